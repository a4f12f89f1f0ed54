"""Rounding as int8 will do it, while a network is trained: quantisation-aware training.

Jacob et al. 2018, arXiv:1712.05877, section 3: weights and activations are rounded on the way
forward, and gradients pass as if they were not (the straight-through estimator of Bengio et al.
2013, arXiv:1308.3432). What is rounded is what :mod:`convert.quantization` rounds: weights by a
scale per output channel, activations by a range per tensor, behind the ReLU6 that TFLite fuses.
Batch norms are folded into the network already, so that its weights are those of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.training.network import normalised

WEIGHT_STEPS = 127  # of int8 on either side of zero
SCORES = "ClassPredictor"  # ends the names of layers whose logits get a range of their own
SCORE_RANGE = (-8.0, 8.0)  # at least, as convert.quantization.candidates has it
LEAST_RANGE = 1e-6


def rounded_kernel(layer: keras.Layer) -> Any:
    """The kernel of a convolution in steps of int8, a scale per channel; gradients pass unchanged.

    Float32 (height, width, inputs, outputs), of a depthwise one (height, width, channels, 1).
    """
    axes = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (0, 1, 2)
    kernel = tf.convert_to_tensor(layer.kernel)
    largest = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
    scale = tf.maximum(largest, 1e-12) / WEIGHT_STEPS
    steps = tf.clip_by_value(tf.round(kernel / scale), -WEIGHT_STEPS, WEIGHT_STEPS)
    return kernel + tf.stop_gradient(steps * scale - kernel)


class RoundedNetwork:
    """Runs an SSDLite as its int8 file would: convolutions, ReLU6 and sums, nothing else."""

    def __init__(self, model: keras.Model) -> None:
        """``model``: the network whose activations ranges are taken of."""
        self._model = model
        fused = set(_fused(model))
        names = [layer.name for layer in model.layers[1:] if layer.name not in fused]
        self._places = {name: place for place, name in enumerate(names)}
        self._ranges = tf.Variable(
            np.tile(np.array([-1, 1], np.float32), (len(names), 1)), trainable=False
        )
        self._measured = tf.function(self._extremes)

    def __call__(self, model: keras.Model, pixels: Any) -> dict[str, Any]:
        """What ``model``, of the same structure, answers to uint8 RGB (batch, size, size, 3)."""
        return _run(model, pixels, self._rounded, rounded_kernel)

    def _rounded(self, name: str, values: Any) -> Any:
        if name not in self._places:
            return values
        least, most = tf.unstack(tf.stop_gradient(self._ranges[self._places[name]]))
        return tf.quantization.fake_quant_with_min_max_vars(values, least, most)

    def calibrate(self, images: Sequence[NDArray[np.uint8]]) -> None:
        """Take the ranges of the activations: the extremes of all of ``images``.

        ``images`` uint8 RGB (size, size, 3). What lies beyond is cut off, as int8 does.
        """
        found = [self._measured(tf.constant(image[np.newaxis])).numpy() for image in images]
        ends = np.stack([np.min(found, axis=0)[:, 0], np.max(found, axis=0)[:, 1]], axis=1)
        for name, place in self._places.items():
            least, most = SCORE_RANGE if name.endswith(SCORES) else (-LEAST_RANGE, LEAST_RANGE)
            ends[place] = min(ends[place][0], least), max(ends[place][1], most)
        self._ranges.assign(ends)

    def _extremes(self, pixels: Any) -> Any:
        """Least and largest value of each activation that is rounded: (activations, 2)."""
        seen: list[Any] = [None] * len(self._places)

        def look(name: str, values: Any) -> Any:
            if name in self._places:
                seen[self._places[name]] = tf.stack((tf.reduce_min(values), tf.reduce_max(values)))
            return values

        _run(self._model, pixels, look, lambda layer: layer.kernel)
        return tf.stack(seen)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Least and largest value of each activation that is rounded, by its layer's name."""
        ends = self._ranges.numpy().tolist()
        return {name: (ends[place][0], ends[place][1]) for name, place in self._places.items()}


def _fused(model: keras.Model) -> Iterator[str]:
    """Layers of which only a ReLU6 reads: TFLite computes both at once, and rounds behind it."""
    for layer in model.layers[1:]:
        if isinstance(layer, keras.layers.ReLU):
            source = layer.input
            yield from (item.name for item in model.layers if item.output is source)


def _run(
    model: keras.Model,
    pixels: Any,
    see: Callable[[str, Any], Any],
    kernel_of: Callable[[keras.Layer], Any],
) -> dict[str, Any]:
    """Run ``model`` a layer at a time; ``see`` gets and gives back what each one answers."""
    values = {id(model.layers[0].output): normalised(pixels)}
    for layer in model.layers[1:]:
        sources = layer.input if isinstance(layer.input, list) else [layer.input]
        taken = [values[id(item)] for item in sources]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            strides = (1, *layer.strides, 1)
            made = tf.nn.depthwise_conv2d(taken[0], kernel_of(layer), strides, "SAME") + layer.bias
        elif isinstance(layer, keras.layers.Conv2D):
            made = tf.nn.conv2d(taken[0], kernel_of(layer), layer.strides, "SAME") + layer.bias
        else:
            made = layer(taken if len(taken) > 1 else taken[0])
        values[id(layer.output)] = see(layer.name, made)
    return {name: values[id(item)] for name, item in model.output.items()}
