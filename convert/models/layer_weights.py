"""Weights of a network as arrays by layer, apart from any Keras network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.models.architecture import Architecture, architecture_of

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]
LayerWeights = dict[str, tuple[Array, Array]]
"""Kernel and bias of each layer, by its name. Kernels are (height, width, inputs, outputs), of a
depthwise convolution (3, 3, channels, 1)."""


KINDS = ("kernel", "bias")


def weights_of(model: keras.Model) -> LayerWeights:
    """The weights of ``model``, copied."""
    return {
        layer.name: (np.array(layer.get_weights()[0]), np.array(layer.get_weights()[1]))
        for layer in model.layers
        if layer.weights
    }


def set_weights(model: keras.Model, weights: LayerWeights) -> None:
    """Give ``model``, which is as wide, these ``weights``."""
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(list(weights[layer.name]))


def named_arrays(weights: LayerWeights) -> dict[str, Array]:
    """``weights`` as arrays called ``layer/kernel`` and ``layer/bias``."""
    return {
        f"{name}/{kind}": values
        for name, pair in weights.items()
        for kind, values in zip(KINDS, pair, strict=True)
    }


def weights_of_arrays(arrays: Mapping[str, Array]) -> LayerWeights:
    """The inverse of :func:`named_arrays`. Raises ``KeyError`` where one of a pair is missing."""
    names = dict.fromkeys(name.rpartition("/")[0] for name in arrays)
    return {name: (arrays[f"{name}/kernel"], arrays[f"{name}/bias"]) for name in names}


def kernel_shapes(weights: LayerWeights) -> dict[str, tuple[int, ...]]:
    """The shape of each layer's kernel."""
    return {name: kernel.shape for name, (kernel, _) in weights.items()}


def architecture(weights: LayerWeights) -> Architecture:
    """How wide a network of these weights is."""
    return architecture_of(kernel_shapes(weights))


def parameters(weights: LayerWeights) -> int:
    """How many numbers there are."""
    return sum(kernel.size + bias.size for kernel, bias in weights.values())
