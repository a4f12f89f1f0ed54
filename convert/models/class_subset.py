"""A subset of a detector's classes: the kernels of the others' scores are cut off.

The scores of an SSD are independent of each other where a sigmoid follows, so that the classes
kept score, and their boxes lie, as in the whole network; no background is needed either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from device.bundle.labels import class_ids, is_placeholder
from device.errors import UsageError

if TYPE_CHECKING:
    import tensorflow as tf

    from convert.models.freeze import Frozen

Positions = NDArray[np.intp]
Weights = NDArray[np.float32]


def named_classes(labels: Sequence[str]) -> tuple[int, ...]:
    """The classes with a name: all but a background and what is called ``???``."""
    return tuple(number for number, label in enumerate(labels) if not is_placeholder(label))


def chosen_classes(wanted: Sequence[str], labels: Sequence[str]) -> tuple[int, ...]:
    """The classes called ``wanted``, in that order, each once.

    Raises ``UsageError`` for an unknown name, with the nearest, and where none is left.
    """
    nameless = [label for label in wanted if is_placeholder(label)]
    if nameless:
        raise UsageError(f"--classes {nameless[0]}: that is what a class without a name is called")
    if not wanted:
        raise UsageError("--classes names none: give at least one, such as person")
    try:
        return tuple(dict.fromkeys(class_ids(wanted, labels)))
    except UsageError as exc:
        raise UsageError(f"--classes: {exc}") from None


def keep_classes(frozen: Frozen, outputs: Sequence[str], kept: Sequence[int], count: int) -> None:
    """Let the score ``outputs`` of ``frozen`` answer for the classes ``kept`` of ``count`` alone.

    Their last axis holds the classes of one anchor, or of several anchors one after the other.
    Where an output comes from a convolution, its kernel and bias are cut; else what it answers is.
    """
    with frozen.graph.as_default():
        for name in outputs:
            whole = frozen.outputs[name]
            cut = _cut_kernel(frozen, whole, kept, count)
            frozen.outputs[name] = _cut_answer(whole, kept, count) if cut is None else cut


def _columns(channels: int, kept: Sequence[int], count: int) -> Positions:
    """Positions of the ``kept`` classes among ``channels``, those of several anchors."""
    return (np.arange(0, channels, count)[:, np.newaxis] + np.asarray(kept, np.intp)).ravel()


def _cut_answer(tensor: tf.Tensor, kept: Sequence[int], count: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.gather(tensor, _columns(tensor.shape[-1], kept, count), axis=-1)


def _cut_kernel(
    frozen: Frozen, tensor: tf.Tensor, kept: Sequence[int], count: int
) -> tf.Tensor | None:
    """``tensor`` computed by a smaller convolution; None where none is found behind it."""
    import tensorflow as tf

    steps: list[Callable[[tf.Tensor], tf.Tensor]] = []  # behind the convolution, the last first
    before = after = 0
    operator = tensor.op
    while operator.type != "Conv2D":
        if operator.type == "Sigmoid":
            steps.append(tf.sigmoid)
        elif operator.type == "Reshape":
            *shape, last = operator.outputs[0].shape.as_list()
            if last is None or last % count:
                return None
            steps.append(partial(_reshape, (*shape, last // count * len(kept))))
        elif operator.type in ("BiasAdd", "AddV2"):
            bias = _constant(operator.inputs[1])
            if bias is None or bias.ndim != 1 or len(bias) % count:
                return None
            less = bias[_columns(len(bias), kept, count)]
            before, after = before + bias.size, after + less.size
            steps.append(partial(_add, less))
        elif operator.type != "Identity":
            return None
        operator = operator.inputs[0].op
    kernel = _constant(operator.inputs[1])
    padding = operator.get_attr("padding").decode()
    if operator.get_attr("data_format") != b"NHWC" or padding == "EXPLICIT":
        return None
    if kernel is None or kernel.shape[-1] % count:
        return None
    less = kernel[..., _columns(kernel.shape[-1], kept, count)]
    values = tf.nn.conv2d(
        operator.inputs[0],
        less,
        operator.get_attr("strides"),
        padding,
        dilations=operator.get_attr("dilations"),
    )
    for step in reversed(steps):
        values = step(values)
    frozen.parameters -= before + kernel.size - after - less.size
    return values


def _reshape(shape: tuple[int, ...], values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reshape(values, shape)


def _add(bias: Weights, values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.nn.bias_add(values, bias)


def _constant(tensor: tf.Tensor) -> Weights | None:
    """The value of ``tensor``; None where it is computed."""
    import tensorflow as tf

    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    found: Weights | None = tf.get_static_value(tensor)
    return found
