"""Takes back the mean error that rounding weights and activations to 8 bits makes.

Rounded weights shift the mean of each channel, and the shifts add up from layer to layer; most
of what int8 loses on this network is made in its first depthwise and project pair. Layer by
layer, the mean difference between the float and the int8 pre-activations is added to the
integer bias, with all layers before already corrected (Nagel et al. 2019, arXiv:1906.04721,
section 4.2, its empirical form). Nothing changes at run time: only numbers in the file.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert import flatbuffer
from device.preprocess import round_up

Weights = NDArray[np.float32]

_RELU6 = 3  # of the schema's ActivationFunctionType
_SAME = 0  # of the schema's Padding
_INT32 = np.iinfo(np.int32)

_BIASED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_SHAPING = ("ADD", "PAD", "MEAN", "RESHAPE")


def _apply(name: str, operator: Any, inputs: tf.Tensor, weights: Weights) -> tf.Tensor:
    """A layer without its bias; TFLite keeps kernels as (out, height, width, in)."""
    if name == "FULLY_CONNECTED":
        return inputs @ weights.T
    options = operator.builtinOptions
    strides = [1, options.strideH, options.strideW, 1]
    padding = "SAME" if options.padding == _SAME else "VALID"
    run = tf.nn.conv2d if name == "CONV_2D" else tf.nn.depthwise_conv2d
    return run(inputs, weights.transpose(1, 2, 3, 0), strides, padding)


def _activate(operator: Any, values: tf.Tensor) -> tf.Tensor:
    if getattr(operator.builtinOptions, "fusedActivationFunction", 0) == _RELU6:
        return tf.nn.relu6(values)
    return values


def _mean(values: tf.Tensor) -> NDArray[np.float64]:
    """Per channel, over pictures and places."""
    means: NDArray[np.float64] = tf.reduce_mean(values, range(len(values.shape) - 1)).numpy()
    return means.astype(np.float64)


def _quantised_picture(tensor: Any, values: tf.Tensor) -> tf.Tensor:
    """Normalised pixels as the device hands them over: rounded as its preprocessing does."""
    scale, zero_point = tensor.quantization.scale[0], int(tensor.quantization.zeroPoint[0])
    steps = round_up(values.numpy().astype(np.float64) / scale)
    real = np.clip(steps, -128 - zero_point, 127 - zero_point) * scale
    return tf.constant(real, tf.float32)


def _quantised(tensor: Any, values: tf.Tensor) -> tf.Tensor:
    """``values`` as the int8 activation ``tensor`` would hold them, in real numbers."""
    scale, zero_point = tensor.quantization.scale[0], int(tensor.quantization.zeroPoint[0])
    steps = tf.round(values / np.float32(scale))
    return tf.clip_by_value(steps, -128.0 - zero_point, 127.0 - zero_point) * np.float32(scale)


def _real_weights(model: Any, tensor: Any) -> Weights:
    """int8 weights as real numbers, each channel by its scale."""
    shape = [1] * len(tensor.shape)
    shape[tensor.quantization.quantizedDimension] = -1
    scales = np.asarray(tensor.quantization.scale, np.float32).reshape(shape)
    weights: Weights = flatbuffer.constant(model, tensor) * scales
    return weights


class _Graph:
    """Runs a network's operators on real numbers, holding each tensor until its last use."""

    def __init__(self, model: Any, inputs: NDArray[np.float32]) -> None:
        graph = model.subgraphs[0]
        self.tensors = graph.tensors
        self.operators = flatbuffer.operators(model)
        self._uses = Counter(i for _, operator in self.operators for i in operator.inputs)
        self._values: dict[int, tf.Tensor] = {graph.inputs[0]: tf.constant(inputs)}

    def take(self, index: int) -> tf.Tensor:
        """The value of a tensor, for one of its uses."""
        self._uses[index] -= 1
        return self._values[index] if self._uses[index] else self._values.pop(index)

    def put(self, operator: Any, values: tf.Tensor) -> None:
        """Keep what ``operator`` answered, if anything uses it."""
        (index,) = operator.outputs
        if self._uses[index]:
            self._values[index] = values

    def bias(self, operator: Any) -> Any | None:
        """The tensor of a layer's bias; None where the converter left out a bias of zeros."""
        present = len(operator.inputs) > 2 and operator.inputs[2] >= 0
        return self.tensors[operator.inputs[2]] if present else None

    def shape(self, model: Any, name: str, operator: Any, values: tf.Tensor) -> tf.Tensor:
        """What an operator without weights makes of ``values``, its first input."""
        second = operator.inputs[1]
        if name == "ADD":
            return values + self.take(second)
        if name == "RESHAPE":
            _, *shape = self.tensors[operator.outputs[0]].shape
            return tf.reshape(values, (len(values), *shape))
        constant = flatbuffer.constant(model, self.tensors[second])
        if name == "PAD":
            return tf.pad(values, constant)
        return tf.reduce_mean(values, constant.ravel(), bool(operator.builtinOptions.keepDims))


def can_correct(model: Any) -> bool:
    """Whether every operator up to the last one with a bias is one that is known here."""
    names = [name for name, _ in flatbuffer.operators(model)]
    last = max((i for i, name in enumerate(names) if name in _BIASED), default=-1)
    return last >= 0 and set(names[: last + 1]) <= {*_BIASED, *_SHAPING, "QUANTIZE"}


def mean_preactivations(
    model: Any, inputs: NDArray[np.float32]
) -> dict[bytes, NDArray[np.float64]]:
    """Mean of every layer's output before its activation, per channel, by tensor name.

    ``model`` is a float32 network; ``inputs`` float32 (pictures, height, width, 3).
    """
    means = {}
    graph = _Graph(model, inputs)
    for name, operator in graph.operators:
        if name not in _BIASED and name not in _SHAPING:
            break  # can_correct has seen that nothing with a bias follows
        values = graph.take(operator.inputs[0])
        if name in _BIASED:
            weights = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
            values = _apply(name, operator, values, weights)
            if (bias := graph.bias(operator)) is not None:
                values = values + flatbuffer.constant(model, bias)
            means[graph.tensors[operator.outputs[0]].name] = _mean(values)
        else:
            values = graph.shape(model, name, operator, values)
        graph.put(operator, _activate(operator, values))
    return means


def correct_biases(float_model: Any, int8_model: Any, inputs: NDArray[np.float32]) -> None:
    """Correct the biases of ``int8_model`` in place, so that its means are ``float_model``'s.

    Both are the same network, which :func:`can_correct`; ``inputs`` are float32 (pictures,
    height, width, 3), normalised.
    """
    expected = mean_preactivations(float_model, inputs)
    graph = _Graph(int8_model, inputs)
    for name, operator in graph.operators:
        if name not in _BIASED and name not in _SHAPING and name != "QUANTIZE":
            break
        values = graph.take(operator.inputs[0])
        output = graph.tensors[operator.outputs[0]]
        if name == "QUANTIZE":
            if operator.inputs[0] == int8_model.subgraphs[0].inputs[0]:
                values = _quantised_picture(output, values)
        elif name in _SHAPING:
            values = _activate(operator, graph.shape(int8_model, name, operator, values))
        else:
            weights = _real_weights(int8_model, graph.tensors[operator.inputs[1]])
            values = _apply(name, operator, values, weights)
            if (tensor := graph.bias(operator)) is not None:
                bias = flatbuffer.constant(int8_model, tensor)
                scale = tensor.quantization.scale
                if output.name in expected:  # layers that the converter merged otherwise stay
                    missing = expected[output.name] - _mean(values)
                    steps = np.clip(np.rint(missing / scale), _INT32.min, _INT32.max)
                    bias = steps.astype(np.int32)
                    flatbuffer.set_constant(int8_model, tensor, bias)
                values = values + (bias * scale).astype(np.float32)
            values = _activate(operator, values)
        graph.put(operator, _quantised(output, values))
