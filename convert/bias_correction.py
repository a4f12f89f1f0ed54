"""Takes back the mean error that rounding weights and activations to 8 bits makes.

Rounded weights shift the mean of each channel, and the shifts add up from layer to layer; most
of what int8 loses on this network is made in its first depthwise and project pair. Layer by
layer, the mean difference between the float and the int8 pre-activations is added to the
integer bias, with all layers before already corrected (Nagel et al. 2019, arXiv:1906.04721,
section 4.2, its empirical form). Nothing changes at run time: only numbers in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert import flatbuffer
from device.preprocess import round_up

Weights = NDArray[np.float32]
Bias = NDArray[np.float32]

CHUNK = 4  # pictures that go through a layer at a time: what bounds memory

Chunks = list[tf.Tensor]  # of one tensor, (pictures, ...) each

_ACTIVATIONS: Mapping[int, Callable[[tf.Tensor], tf.Tensor]] = {  # ActivationFunctionType
    0: lambda values: values,
    1: tf.nn.relu,
    3: tf.nn.relu6,
}
_SAME = 0  # of the schema's Padding
_INT32 = np.iinfo(np.int32)

_BIASED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_SHAPING = ("ADD", "PAD", "MEAN", "RESHAPE")


def _apply(name: str, operator: Any, weights: Weights, inputs: tf.Tensor) -> tf.Tensor:
    """A layer without its bias; TFLite keeps kernels as (out, height, width, in)."""
    if name == "FULLY_CONNECTED":
        return inputs @ weights.T
    options = operator.builtinOptions
    strides = [1, options.strideH, options.strideW, 1]
    padding = "SAME" if options.padding == _SAME else "VALID"
    run = tf.nn.conv2d if name == "CONV_2D" else tf.nn.depthwise_conv2d
    return run(inputs, weights.transpose(1, 2, 3, 0), strides, padding)


def _activation(operator: Any) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))


def _activate(operator: Any, bias: Bias | None, values: tf.Tensor) -> tf.Tensor:
    biased = values if bias is None else values + bias
    return _ACTIVATIONS[_activation(operator)](biased)


def _for_each(chunks: Chunks, function: Callable[[tf.Tensor], tf.Tensor]) -> Chunks:
    """Replace each chunk, so that never all of them are there twice."""
    for number in range(len(chunks)):
        chunks[number] = function(chunks[number])
    return chunks


def _mean(chunks: Chunks) -> NDArray[np.float64]:
    """Per channel, over pictures and places."""
    means = []
    for chunk in chunks:
        mean = chunk
        while len(mean.shape) > 1:  # an axis at a time: a long sum of float32 loses four digits
            mean = tf.reduce_mean(mean, -2)
        means.append(mean.numpy())
    sizes = [len(chunk) for chunk in chunks]
    over_all: NDArray[np.float64] = np.average(np.array(means, np.float64), axis=0, weights=sizes)
    return over_all


def _quantised_picture(tensor: Any, values: tf.Tensor) -> tf.Tensor:
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
        starts = range(0, len(inputs), CHUNK)
        chunks = [tf.constant(inputs[start : start + CHUNK]) for start in starts]
        self._values: dict[int, Chunks] = {graph.inputs[0]: chunks}

    def take(self, index: int) -> Chunks:
        """The value of a tensor, for one of its uses, to be changed at will."""
        self._uses[index] -= 1
        return [*self._values[index]] if self._uses[index] else self._values.pop(index)

    def put(self, operator: Any, chunks: Chunks) -> None:
        """Keep what ``operator`` answered, if anything uses it."""
        (index,) = operator.outputs
        if self._uses[index]:
            self._values[index] = chunks

    def bias(self, operator: Any) -> Any | None:
        """The tensor of a layer's bias; None where the converter left out a bias of zeros."""
        present = len(operator.inputs) > 2 and operator.inputs[2] >= 0
        return self.tensors[operator.inputs[2]] if present else None

    def shape(self, model: Any, name: str, operator: Any, chunks: Chunks) -> Chunks:
        """What an operator without weights makes of ``chunks``, its first input."""
        second = operator.inputs[1]
        if name == "ADD":
            return [one + other for one, other in zip(chunks, self.take(second), strict=True)]
        if name == "RESHAPE":
            _, *shape = self.tensors[operator.outputs[0]].shape
            return _for_each(chunks, lambda chunk: tf.reshape(chunk, (len(chunk), *shape)))
        constant = flatbuffer.constant(model, self.tensors[second])
        if name == "PAD":
            return _for_each(chunks, lambda chunk: tf.pad(chunk, constant))
        keep = bool(operator.builtinOptions.keepDims)
        return _for_each(chunks, lambda chunk: tf.reduce_mean(chunk, constant.ravel(), keep))


def can_correct(model: Any) -> bool:
    """Whether every operator up to the last one with a bias is one that is known here."""
    operators = flatbuffer.operators(model)
    last = max((i for i, (name, _) in enumerate(operators) if name in _BIASED), default=-1)
    return last >= 0 and all(
        name in (*_BIASED, *_SHAPING, "QUANTIZE") and _activation(operator) in _ACTIVATIONS
        for name, operator in operators[: last + 1]
    )


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
        bias: Bias | None = None
        chunks = graph.take(operator.inputs[0])
        if name in _BIASED:
            weights = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
            chunks = _for_each(chunks, partial(_apply, name, operator, weights))
            mean = _mean(chunks)
            if (tensor := graph.bias(operator)) is not None:
                bias = flatbuffer.constant(model, tensor)
                mean += bias
            means[graph.tensors[operator.outputs[0]].name] = mean
        else:
            chunks = graph.shape(model, name, operator, chunks)
        graph.put(operator, _for_each(chunks, partial(_activate, operator, bias)))
    return means


def layer_inputs(
    model: Any, inputs: NDArray[np.float32]
) -> Iterator[tuple[str, Any, bytes, Chunks]]:
    """Each layer with weights: operator's name, operator, output's name, and what goes into it.

    ``model`` is a float32 network, which :func:`can_correct`; ``inputs`` float32 (pictures,
    height, width, 3).
    """
    graph = _Graph(model, inputs)
    for name, operator in graph.operators:
        if name not in _BIASED and name not in _SHAPING:
            break
        bias: Bias | None = None
        chunks = graph.take(operator.inputs[0])
        if name in _BIASED:
            yield name, operator, graph.tensors[operator.outputs[0]].name, [*chunks]
            weights = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
            chunks = _for_each(chunks, partial(_apply, name, operator, weights))
            if (tensor := graph.bias(operator)) is not None:
                bias = flatbuffer.constant(model, tensor)
        else:
            chunks = graph.shape(model, name, operator, chunks)
        graph.put(operator, _for_each(chunks, partial(_activate, operator, bias)))


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
        chunks = graph.take(operator.inputs[0])
        output = graph.tensors[operator.outputs[0]]
        real_bias: Bias | None = None
        if name == "QUANTIZE":
            if operator.inputs[0] == int8_model.subgraphs[0].inputs[0]:
                chunks = _for_each(chunks, partial(_quantised_picture, output))
        elif name in _SHAPING:
            chunks = graph.shape(int8_model, name, operator, chunks)
        else:
            weights = _real_weights(int8_model, graph.tensors[operator.inputs[1]])
            chunks = _for_each(chunks, partial(_apply, name, operator, weights))
            if (tensor := graph.bias(operator)) is not None:
                bias = flatbuffer.constant(int8_model, tensor)
                scale = tensor.quantization.scale
                if output.name in expected:  # layers that the converter merged otherwise stay
                    missing = expected[output.name] - _mean(chunks)
                    steps = np.clip(np.rint(missing / scale), _INT32.min, _INT32.max)
                    bias = steps.astype(np.int32)
                    flatbuffer.set_constant(int8_model, tensor, bias)
                real_bias = (bias * scale).astype(np.float32)
        finish = partial(_finished, operator, output, real_bias)
        graph.put(operator, _for_each(chunks, finish))


def _finished(operator: Any, output: Any, bias: Bias | None, values: tf.Tensor) -> tf.Tensor:
    """What leaves ``operator`` as the int8 activation ``output``."""
    return _quantised(output, _activate(operator, bias, values))
