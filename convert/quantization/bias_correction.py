"""Bias correction: takes back the mean errors that 8 bits make; only numbers change.

Rounded weights shift the mean of each channel, and the shifts add up from layer to layer; most
of what int8 loses on this network is made in its first depthwise and project pair. There are two
ways to know them (Nagel et al. 2019, arXiv:1906.04721, section 4.2):

- :func:`correct_biases` runs the int8 network as well, each layer behind the corrected ones before
  it, and makes its means float32's. That takes back what rounding activations does too. It suits
  ranges of activations that cut nothing off, as TensorFlow's converter sets them.
- :func:`missing_means` applies the lost parts of the weights to float32's inputs. It suits ranges
  that cut off the extremes: there the int8 network's means tell what clipping does to some
  pictures, and correcting for those spoils the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from convert.quantization import flatbuffer
from convert.quantization.flatbuffer import WEIGHTED
from convert.quantization.layerwise import (
    SHAPING,
    Graph,
    Weights,
    activate,
    apply_weights,
    for_each,
    has_bias,
    layer_inputs,
    mean,
)
from device.inference.preprocess import round_up

_INT32 = np.iinfo(np.int32)

Means = Mapping[bytes, NDArray[np.float64]]
"""Real numbers per channel, float64 (channels,), by the name of a layer's output."""

_BIAS_DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT64: np.dtype("<i8"),
}


def missing_means(float_model: Any, int8_model: Any, inputs: NDArray[np.float32]) -> Means:
    """What the means of the layers of ``int8_model`` lack, each layer's inputs being exact.

    ``float_model`` is the same network, which :func:`.layerwise.can_run`; ``inputs`` are float32
    (pictures, height, width, 3), normalised. Layers that the converter merged otherwise
    are left out, as are those whose weights are no integers.
    """
    rounded = flatbuffer.integer_weights(int8_model)
    missing = {}
    for name, operator, output, chunks in layer_inputs(float_model, inputs):
        if output in rounded:
            kernel = float_model.subgraphs[0].tensors[operator.inputs[1]]
            weights = flatbuffer.constant(float_model, kernel)
            lost = weights - _real_weights(int8_model, rounded[output])
            missing[output] = mean([apply_weights(name, operator, lost, x) for x in chunks])
    return missing


def add_to_biases(int8_model: Any, missing: Means) -> None:
    """Add ``missing`` to the integer biases of ``int8_model``, in place."""
    tensors = int8_model.subgraphs[0].tensors
    for name, operator in flatbuffer.operators(int8_model):
        output = tensors[operator.outputs[0]].name
        if name not in WEIGHTED or output not in missing or not has_bias(operator):
            continue
        tensor = tensors[operator.inputs[2]]
        if tensor.type not in _BIAS_DTYPES:
            continue  # the layer computes in float32
        dtype = _BIAS_DTYPES[tensor.type]
        limits = np.iinfo(dtype)
        bias = np.frombuffer(bytes(int8_model.buffers[tensor.buffer].data), dtype)
        steps = bias + np.rint(missing[output] / tensor.quantization.scale)
        data = np.clip(steps, limits.min, limits.max).astype(dtype).tobytes()
        int8_model.buffers[tensor.buffer].data = np.frombuffer(data, np.uint8)


def _real_weights(model: Any, tensor: Any) -> Weights:
    """Integer weights as real numbers, each channel by its scale."""
    weights: Weights = flatbuffer.constant(model, tensor) * flatbuffer.step_sizes(tensor)
    return weights


def correct_biases(float_model: Any, int8_model: Any, inputs: NDArray[np.float32]) -> None:
    """Correct the biases of ``int8_model`` in place, so that its means are ``float_model``'s.

    Both are the same network, which :func:`.layerwise.can_run`; ``inputs`` are float32
    (pictures, height, width, 3), normalised.
    """
    expected = _mean_preactivations(float_model, inputs)
    graph = Graph(int8_model, inputs)
    for name, operator in flatbuffer.operators(int8_model):
        if name not in WEIGHTED and name not in SHAPING and name != "QUANTIZE":
            break
        chunks = graph.take(operator.inputs[0])
        output = graph.tensors[operator.outputs[0]]
        real_bias: Weights | None = None
        if name == "QUANTIZE":
            if operator.inputs[0] == int8_model.subgraphs[0].inputs[0]:
                chunks = for_each(chunks, partial(_quantised_image, output))
        elif name in SHAPING:
            chunks = graph.shape(int8_model, name, operator, chunks)
        else:
            weights = _real_weights(int8_model, graph.tensors[operator.inputs[1]])
            chunks = for_each(chunks, partial(apply_weights, name, operator, weights))
            if has_bias(operator):
                tensor = graph.tensors[operator.inputs[2]]
                bias = flatbuffer.constant(int8_model, tensor)
                scale = tensor.quantization.scale
                if output.name in expected:  # layers that the converter merged otherwise stay
                    missing = expected[output.name] - mean(chunks)
                    steps = np.clip(np.rint(missing / scale), _INT32.min, _INT32.max)
                    bias = steps.astype(np.int32)
                    flatbuffer.set_constant(int8_model, tensor, bias)
                real_bias = (bias * scale).astype(np.float32)
        finish = partial(_finished, operator, output, real_bias)
        graph.put(operator, for_each(chunks, finish))


def _mean_preactivations(model: Any, inputs: NDArray[np.float32]) -> Means:
    """Of a float32 network's layers, before their activations."""
    tensors = model.subgraphs[0].tensors
    means = {}
    for name, operator, output, chunks in layer_inputs(model, inputs):
        weights = flatbuffer.constant(model, tensors[operator.inputs[1]])
        means[output] = mean([apply_weights(name, operator, weights, x) for x in chunks])
        if has_bias(operator):
            means[output] += flatbuffer.constant(model, tensors[operator.inputs[2]])
    return means


def _finished(operator: Any, output: Any, bias: Weights | None, values: tf.Tensor) -> tf.Tensor:
    """What leaves ``operator`` as the int8 activation ``output``."""
    return _quantised(output, activate(operator, bias, values))


def _quantised_image(tensor: Any, values: tf.Tensor) -> tf.Tensor:
    """Normalised pixels as the device hands them over: rounded as its preprocessing does."""
    scale, zero_point = tensor.quantization.scale[0], int(tensor.quantization.zeroPoint[0])
    steps = round_up(values.numpy().astype(np.float64) / scale)
    real = np.clip(steps, -128 - zero_point, 127 - zero_point) * scale
    return tf.constant(real, tf.float32)


def _quantised(tensor: Any, values: tf.Tensor) -> tf.Tensor:
    """``values`` as the int8 activation ``tensor`` would hold them, in real numbers."""
    scale, zero_point = tensor.quantization.scale[0], int(tensor.quantization.zeroPoint[0])
    return tf.quantization.fake_quant_with_min_max_args(
        values, min=float(scale) * (-128 - zero_point), max=float(scale) * (127 - zero_point)
    )
