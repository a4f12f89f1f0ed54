"""The backbone that Keras Applications publishes for ImageNet, its batch norms folded."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.errors import WeightsError
from device.records import Tensor

if TYPE_CHECKING:
    import keras

TIMEOUT_S = 10.0  # without an answer from where the weights are published

Layers = dict[str, tuple[Tensor, Tensor]]
"""Kernel and bias of each convolution, by its name in :mod:`convert.models.mobilenet_v2`."""


def imagenet_backbone(weights: Path | None = None) -> Layers:
    """The weights published for ImageNet, of width 1; ``weights`` where they are a file here.

    Raises :class:`WeightsError` where they cannot be had or are of something else.
    """
    return folded_layers(_fetched() if weights is None else _loaded(weights))


def _network(top: bool) -> keras.Model:
    import keras

    return keras.applications.MobileNetV2((224, 224, 3), include_top=top, weights=None)


def _fetched() -> keras.Model:
    import keras

    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)  # Keras waits for ever
    try:
        return keras.applications.MobileNetV2((224, 224, 3), include_top=False, weights="imagenet")
    except Exception as exc:  # whatever Keras and its download make of no network
        said = str(exc).strip() or type(exc).__name__
        reason = said.splitlines()[0].rpartition(" -- ")[2]  # Keras puts a long address before it
        raise WeightsError(f"ImageNet's weights could not be had ({reason})") from exc
    finally:
        socket.setdefaulttimeout(usual)


def _loaded(path: Path) -> keras.Model:
    if not path.is_file():
        raise WeightsError(f"--weights {path}: no such file")
    reason = ""
    for top in (False, True):
        model = _network(top)
        try:
            model.load_weights(path)
        except (ValueError, OSError, KeyError, TypeError) as exc:
            reason = str(exc).strip().splitlines()[0]
        else:
            return model
    raise WeightsError(
        f"--weights {path}: not those of Keras Applications' MobileNetV2 of width 1 ({reason})"
    )


def folded_layers(model: keras.Model) -> Layers:
    """Kernel and bias of each convolution of Keras Applications' ``model``.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`` becomes a scale of the kernel and
    a bias (Jacob et al. 2018, arXiv:1712.05877, section 3.2).
    """
    import keras

    found: Layers = {}
    norms = {layer.input.name: layer for layer in _norms(model)}
    for layer in model.layers:
        norm = norms.get(layer.output.name) if hasattr(layer, "kernel") else None
        if norm is None:  # ImageNet's own classes
            continue
        gamma, beta, mean, variance = (np.asarray(item) for item in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        kernel = np.asarray(layer.kernel)
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        found[published_name(layer.name)] = (
            kernel * (scale[:, np.newaxis] if depthwise else scale),
            beta - mean * scale,
        )
    return found


def _norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    import keras

    return [item for item in model.layers if isinstance(item, keras.layers.BatchNormalization)]


def published_name(name: str) -> str:
    """The name that a layer of Keras Applications has here: ``block_3_expand`` and the like."""
    known = {"Conv1": "Conv", "Conv_1": "Conv_1"}
    if name in known:
        return known[name]
    block, _, part = name.rpartition("_")
    return f"{block.replace('block', 'expanded_conv')}.{part}"
