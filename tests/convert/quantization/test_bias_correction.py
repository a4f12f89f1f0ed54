from __future__ import annotations

import numpy as np
import pytest

from convert.quantization import flatbuffer
from convert.quantization.bias_correction import add_to_biases, correct_biases, missing_means


@pytest.fixture
def models(bundle_dir):
    return [
        flatbuffer.read((bundle_dir / f"{name}.tflite").read_bytes())
        for name in ("float32", "int8")
    ]


def layer(model, number):
    """Name of its output, the tensors of its weights and bias."""
    tensors = model.subgraphs[0].tensors
    _, operator = [item for item in flatbuffer.operators(model) if item[0] in flatbuffer.WEIGHTED][
        number
    ]
    return tensors[operator.outputs[0]].name, *(tensors[index] for index in operator.inputs[1:])


def test_missing_mean_is_what_the_lost_parts_of_the_weights_would_have_added(models, photographs):
    float_model, int8_model = models
    missing = missing_means(float_model, int8_model, photographs)
    # Another step for each weight of one channel of the first layer, which sees the pictures.
    output, kernel, _ = layer(int8_model, 0)
    steps = flatbuffer.constant(int8_model, kernel).copy()
    steps[5] -= np.int8(1)
    flatbuffer.set_constant(int8_model, kernel, steps)
    changed = missing_means(float_model, int8_model, photographs)
    # 3 x 3 x 3 inputs, those of stride 2 that are not padding, all of one weight.
    padded = np.pad(photographs.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)))
    seen = sum(
        padded[:, y : y + 299 : 2, x : x + 299 : 2].sum(-1) for y in range(3) for x in range(3)
    )
    expected = seen.mean() * kernel.quantization.scale[5]
    assert changed[output][5] - missing[output][5] == pytest.approx(expected, rel=1e-4)
    rest = np.delete(changed[output] - missing[output], 5)
    assert not rest.any()


def test_correction_is_added_to_the_bias_in_its_steps(models):
    _, int8_model = models
    output, _, bias = layer(int8_model, 7)
    before = flatbuffer.constant(int8_model, bias).copy()
    others = [flatbuffer.constant(int8_model, layer(int8_model, 8)[2]).copy()]
    scale = np.asarray(bias.quantization.scale)
    add_to_biases(int8_model, {output: 3.4 * scale})
    assert np.array_equal(flatbuffer.constant(int8_model, bias), before + 3)
    assert np.array_equal(flatbuffer.constant(int8_model, layer(int8_model, 8)[2]), others[0])


def test_correction_larger_than_a_bias_holds_is_cut_off(models):
    _, int8_model = models
    output, _, bias = layer(int8_model, 7)
    scale = np.asarray(bias.quantization.scale)
    add_to_biases(int8_model, {output: 1e12 * scale})
    assert (flatbuffer.constant(int8_model, bias) == np.iinfo(np.int32).max).all()


def test_layers_in_float32_have_nothing_missing(models, photographs):
    float_model, _ = models
    assert not missing_means(float_model, float_model, photographs)
    add_to_biases(float_model, {layer(float_model, 0)[0]: np.ones(32)})  # none of its biases


def test_each_layer_is_corrected(models, photographs):
    float_model, int8_model = models
    missing = missing_means(float_model, int8_model, photographs)
    weighted = [n for n, _ in flatbuffer.operators(float_model) if n in flatbuffer.WEIGHTED]
    assert len(missing) == len(weighted)


def test_spoiled_biases_are_found_again(models, photographs):
    float_model, int8_model = models
    correct_biases(float_model, int8_model, photographs[:2])
    expected = biases(int8_model)
    tensors = int8_model.subgraphs[0].tensors
    for name, operator in flatbuffer.operators(int8_model):
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            tensor = tensors[operator.inputs[2]]
            flatbuffer.set_constant(
                int8_model, tensor, flatbuffer.constant(int8_model, tensor) + 1000
            )
    correct_biases(float_model, int8_model, photographs[:2])
    assert all(np.array_equal(a, b) for a, b in zip(biases(int8_model), expected, strict=True))


def biases(model):
    tensors = model.subgraphs[0].tensors
    return [
        flatbuffer.constant(model, tensors[operator.inputs[2]]).copy()
        for name, operator in flatbuffer.operators(model)
        if name in flatbuffer.WEIGHTED
    ]
