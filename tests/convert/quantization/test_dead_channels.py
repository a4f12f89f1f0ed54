from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from convert.output_capture import quiet
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker
from device.inference.interpreter import Interpreter

SIDE, CHANNELS = 8, 4


@pytest.fixture(scope="module")
def float32() -> bytes:
    """A convolution whose second channel has no weights, only a bias of 2."""
    kernel = np.random.default_rng(5).normal(size=(3, 3, 3, CHANNELS)).astype(np.float32)
    kernel[..., 1] = 0
    bias = np.array([0.5, 2.0, -0.5, 0.0], np.float32)

    class Net(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32)])
        def call(self, image):
            return {"out": tf.nn.conv2d(image, kernel, 2, "SAME") + bias}

    net = Net()
    with quiet(debug=False):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [net.call.get_concrete_function()], net
        )
        return bytes(converter.convert())


def test_bias_of_a_channel_without_weights_survives(float32, tmp_path):
    images = np.random.default_rng(6).uniform(-1, 1, (4, SIDE, SIDE, 3)).astype(np.float32)
    maker = CandidateMaker(float32, images, (-1.0, 1.0))
    int8 = maker.make(CandidateSpec(corrected=False))
    assert not flatbuffer.has_full_biases(flatbuffer.read(int8))
    (tmp_path / "int8.tflite").write_bytes(int8)
    interpreter = Interpreter("litert", tmp_path / "int8.tflite", threads=1)
    interpreter.input_tensor()[...] = 0
    interpreter.invoke()
    (spec,) = interpreter.outputs
    real = (interpreter.output_tensors()[0][..., 1].astype(float) - spec.zero_point) * spec.scale
    assert real == pytest.approx(2.0, abs=spec.scale)
