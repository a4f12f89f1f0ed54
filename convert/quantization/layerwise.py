"""Layerwise execution: a network on real numbers, with what goes into each layer.

What quantisation does to a layer depends on its inputs: both bias correction and second-order
rounding are worked out from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.quantization import flatbuffer
from convert.quantization.flatbuffer import WEIGHTED

Weights = NDArray[np.float32]

CHUNK = 4  # pictures that go through a layer at a time: what bounds memory

Chunks = list[tf.Tensor]  # of one tensor, (pictures, ...) each

_ACTIVATIONS: Mapping[int, Callable[[tf.Tensor], tf.Tensor]] = {  # ActivationFunctionType
    0: lambda values: values,
    1: tf.nn.relu,
    3: tf.nn.relu6,
}
_SAME = 0  # of the schema's Padding

SHAPING = ("ADD", "PAD", "MEAN", "RESHAPE")


def apply_weights(name: str, operator: Any, weights: Weights, inputs: tf.Tensor) -> tf.Tensor:
    """A layer without bias and activation; TFLite keeps kernels as (out, height, width, in)."""
    if name == "FULLY_CONNECTED":
        return inputs @ weights.T
    options = operator.builtinOptions
    strides = [1, options.strideH, options.strideW, 1]
    padding = "SAME" if options.padding == _SAME else "VALID"
    run = tf.nn.conv2d if name == "CONV_2D" else tf.nn.depthwise_conv2d
    return run(inputs, weights.transpose(1, 2, 3, 0), strides, padding)


def can_run(model: Any) -> bool:
    """Whether every operator up to the last one with weights is one that is known here.

    That of an int8 network may begin with what makes its picture int8.
    """
    operators = flatbuffer.operators(model)
    last = max((i for i, (name, _) in enumerate(operators) if name in WEIGHTED), default=-1)
    return last >= 0 and all(
        name in (*WEIGHTED, *SHAPING, "QUANTIZE") and _activation(operator) in _ACTIVATIONS
        for name, operator in operators[: last + 1]
    )


def layer_inputs(
    model: Any, inputs: NDArray[np.float32]
) -> Iterator[tuple[str, Any, bytes, Chunks]]:
    """Each layer with weights: operator's name, operator, output's name, and what goes into it.

    ``model`` is a float32 network, which this module :func:`can_run`; ``inputs`` float32
    (pictures, height, width, 3), normalised.
    """
    graph = Graph(model, inputs)
    for name, operator in flatbuffer.operators(model):
        if name not in WEIGHTED and name not in SHAPING:
            break  # can_run has seen that nothing with weights follows
        bias = None
        chunks = graph.take(operator.inputs[0])
        if name in WEIGHTED:
            yield name, operator, graph.tensors[operator.outputs[0]].name, [*chunks]
            weights = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
            chunks = for_each(chunks, partial(apply_weights, name, operator, weights))
            if has_bias(operator):
                bias = flatbuffer.constant(model, graph.tensors[operator.inputs[2]])
        else:
            chunks = graph.shape(model, name, operator, chunks)
        graph.put(operator, for_each(chunks, partial(activate, operator, bias)))


def has_bias(operator: Any) -> bool:
    """Whether a layer has one: the converter leaves out a bias of zeros."""
    return len(operator.inputs) > 2 and operator.inputs[2] >= 0


def _activation(operator: Any) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))


def activate(operator: Any, bias: Weights | None, values: tf.Tensor) -> tf.Tensor:
    """What leaves a layer that has computed ``values``."""
    biased = values if bias is None else values + bias
    return _ACTIVATIONS[_activation(operator)](biased)


def for_each(chunks: Chunks, function: Callable[[tf.Tensor], tf.Tensor]) -> Chunks:
    """Replace each chunk, so that never all of them are there twice."""
    for number in range(len(chunks)):
        chunks[number] = function(chunks[number])
    return chunks


def mean(chunks: Chunks) -> NDArray[np.float64]:
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


class Graph:
    """The tensors of a network while it is run, each held until its last use."""

    def __init__(self, model: Any, inputs: NDArray[np.float32]) -> None:
        graph = model.subgraphs[0]
        self.tensors = graph.tensors
        self._uses = Counter(i for operator in graph.operators for i in operator.inputs)
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

    def shape(self, model: Any, name: str, operator: Any, chunks: Chunks) -> Chunks:
        """What an operator without weights makes of ``chunks``, its first input."""
        second = operator.inputs[1]
        if name == "ADD":
            return [one + other for one, other in zip(chunks, self.take(second), strict=True)]
        if name == "RESHAPE":
            _, *shape = self.tensors[operator.outputs[0]].shape
            return for_each(chunks, lambda chunk: tf.reshape(chunk, (len(chunk), *shape)))
        constant = flatbuffer.constant(model, self.tensors[second])
        if name == "PAD":
            return for_each(chunks, lambda chunk: tf.pad(chunk, constant))
        keep = bool(operator.builtinOptions.keepDims)
        return for_each(chunks, lambda chunk: tf.reduce_mean(chunk, constant.ravel(), keep))
