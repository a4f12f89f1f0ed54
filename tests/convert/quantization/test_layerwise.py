from __future__ import annotations

import numpy as np
import pytest

from convert.quantization import flatbuffer
from convert.quantization.layerwise import apply_weights, can_run, layer_inputs


@pytest.fixture
def model(bundle_dir):
    return flatbuffer.read((bundle_dir / "float32.tflite").read_bytes())


@pytest.fixture
def images(photographs):
    return photographs[:2]


def inputs_of(model, images):
    return {output: np.concatenate(chunks) for _, _, output, chunks in layer_inputs(model, images)}


def test_first_layer_sees_the_pictures_and_answers_their_convolution(model, images):
    name, operator, _, chunks = next(layer_inputs(model, images))
    assert np.array_equal(np.concatenate(chunks), images)
    kernel = flatbuffer.constant(model, model.subgraphs[0].tensors[operator.inputs[1]])
    answer = np.concatenate([apply_weights(name, operator, kernel, x) for x in chunks])
    # By hand, for one output channel: a 3x3 convolution of stride 2, padded after, not before.
    padded = np.pad(images.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)))
    total = np.zeros((len(images), 150, 150))
    for y in range(3):
        for x in range(3):
            patch = padded[:, y : y + 299 : 2, x : x + 299 : 2]
            total += patch @ kernel[5, y, x].astype(np.float64)
    np.testing.assert_allclose(answer[..., 5], total, rtol=1e-6, atol=1e-4)


def test_every_layer_with_weights_is_met_and_none_sees_what_relu6_cuts_off(model, images):
    found = inputs_of(model, images)
    named = [name for name, _ in flatbuffer.operators(model) if name in flatbuffer.WEIGHTED]
    assert len(found) == len(named)
    tensors = model.subgraphs[0].tensors
    for name, operator in flatbuffer.operators(model):
        if name == "DEPTHWISE_CONV_2D":
            seen = found[tensors[operator.outputs[0]].name]
            assert seen.min() >= 0
            assert seen.max() <= 6


def test_network_with_an_unknown_operator_before_its_last_weights_cannot_be_run(model):
    assert can_run(model)
    for code in model.operatorCodes:
        if code.builtinCode == 0:  # ADD
            code.builtinCode = code.deprecatedBuiltinCode = 18  # MUL
    assert not can_run(model)


def set_activation(model, number, activation):
    _, operator = flatbuffer.operators(model)[number]
    operator.builtinOptions.fusedActivationFunction = activation


def test_network_with_an_unknown_activation_cannot_be_run(model):
    set_activation(model, 3, 4)  # TANH
    assert not can_run(model)


def test_relu_is_relu6_where_nothing_reaches_six(model, images):
    tensors = model.subgraphs[0].tensors
    _, operator = flatbuffer.operators(model)[0]
    for index in operator.inputs[1:]:
        small = flatbuffer.constant(model, tensors[index]) * np.float32(0.01)
        flatbuffer.set_constant(model, tensors[index], small)
    seen = {}
    for activation in (3, 1, 0):  # RELU6, RELU, NONE
        set_activation(model, 0, activation)
        seen[activation] = list(inputs_of(model, images).values())[1]
    assert np.array_equal(seen[1], seen[3])
    assert not np.allclose(seen[0], seen[3])


def test_chunks_do_not_change_what_a_layer_sees(model, images):
    once = inputs_of(model, images)
    thrice = inputs_of(model, np.concatenate([images] * 3))  # 4 + 2 pictures
    for name, values in once.items():
        np.testing.assert_allclose(thrice[name][: len(values)], values, rtol=1e-6, atol=1e-4)
