from __future__ import annotations

import numpy as np
import pytest

from convert import flatbuffer
from convert.bias_correction import can_correct, correct_biases, mean_preactivations
from convert.calibration import CalibrationInputs, calibration_pictures
from convert.zoo import SSDLITE_MOBILENET_V2


@pytest.fixture(scope="module")
def inputs():
    pictures = calibration_pictures(None, 2, 0, pytest.fail)
    generate = CalibrationInputs(SSDLITE_MOBILENET_V2.input, "image").dataset(pictures)
    return np.concatenate([item["image"] for item in generate()])


@pytest.fixture
def models(bundle_dir):
    return [
        flatbuffer.read((bundle_dir / f"{name}.tflite").read_bytes())
        for name in ("float32", "int8")
    ]


def biases(model):
    tensors = model.subgraphs[0].tensors
    return [
        flatbuffer.constant(model, tensors[operator.inputs[2]]).copy()
        for name, operator in flatbuffer.operators(model)
        if name != "ADD" and name != "QUANTIZE"
    ]


def test_preactivations_of_the_first_layer_are_its_convolution(models, inputs):
    float_model, _ = models
    _, operator = flatbuffer.operators(float_model)[0]
    tensors = float_model.subgraphs[0].tensors
    kernel, bias = (flatbuffer.constant(float_model, tensors[i]) for i in operator.inputs[1:])
    # By hand, for one output channel: a 3x3 convolution of stride 2, padded after, not before.
    padded = np.pad(inputs.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)))
    total = np.zeros((len(inputs), 150, 150))
    for y in range(3):
        for x in range(3):
            patch = padded[:, y : y + 299 : 2, x : x + 299 : 2]
            total += patch @ kernel[5, y, x].astype(np.float64)
    means = mean_preactivations(float_model, inputs)
    assert means[tensors[operator.outputs[0]].name][5] == pytest.approx(
        total.mean() + bias[5], abs=1e-4
    )


def test_spoiled_biases_are_found_again(models, inputs):
    float_model, int8_model = models
    correct_biases(float_model, int8_model, inputs)
    expected = biases(int8_model)
    tensors = int8_model.subgraphs[0].tensors
    for name, operator in flatbuffer.operators(int8_model):
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            tensor = tensors[operator.inputs[2]]
            flatbuffer.set_constant(
                int8_model, tensor, flatbuffer.constant(int8_model, tensor) + 1000
            )
    correct_biases(float_model, int8_model, inputs)
    assert all(np.array_equal(a, b) for a, b in zip(biases(int8_model), expected, strict=True))


def test_network_with_an_unknown_operator_before_its_last_bias_is_left_alone(models):
    _, int8_model = models
    assert can_correct(int8_model)
    for code in int8_model.operatorCodes:
        if code.builtinCode == 0:  # ADD
            code.builtinCode = code.deprecatedBuiltinCode = 18  # MUL
    assert not can_correct(int8_model)


def set_activation(model, number, activation):
    _, operator = flatbuffer.operators(model)[number]
    operator.builtinOptions.fusedActivationFunction = activation


def test_relu_is_relu6_where_nothing_reaches_six(models, inputs):
    float_model, _ = models
    tensors = float_model.subgraphs[0].tensors
    _, operator = flatbuffer.operators(float_model)[0]
    for index in operator.inputs[1:]:
        small = flatbuffer.constant(float_model, tensors[index]) * np.float32(0.01)
        flatbuffer.set_constant(float_model, tensors[index], small)
    means = {}
    for activation in (3, 1, 0):  # RELU6, RELU, NONE
        set_activation(float_model, 0, activation)
        means[activation] = np.concatenate([*mean_preactivations(float_model, inputs).values()])
    assert np.array_equal(means[1], means[3])
    assert not np.allclose(means[0], means[3])


def test_network_with_an_unknown_activation_is_left_alone(models):
    _, int8_model = models
    set_activation(int8_model, 3, 4)  # TANH
    assert not can_correct(int8_model)


def test_number_of_pictures_does_not_change_how_means_are_taken(models, inputs):
    float_model, _ = models
    once = mean_preactivations(float_model, inputs)
    thrice = mean_preactivations(float_model, np.concatenate([inputs] * 3))  # 4 + 2 pictures
    for name, means in once.items():
        assert thrice[name] == pytest.approx(means, abs=1e-5)
