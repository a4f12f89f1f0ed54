"""Weights of TensorFlow.js models, read into the networks built here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.errors import WeightsError
from device.records import Tensor

if TYPE_CHECKING:
    import keras

Tensors = dict[str, Tensor]

PUBLISHED = 91  # classes of the published heads, the background first
BATCH_NORM_EPSILON = 1e-3  # of the published graph, where its batch norms are not folded yet


def read_graph_model(folder: Path) -> Tensors:
    """All weights of a TensorFlow.js graph model (``model.json`` and its shards), by name.

    Raises :class:`WeightsError` for a folder that holds no such model, for a missing shard and
    for shards of the wrong length.
    """
    try:
        groups = json.loads((folder / "model.json").read_text())["weightsManifest"]
        tensors: Tensors = {}
        for group in groups:
            data = b"".join((folder / path).read_bytes() for path in group["paths"])
            offset = 0
            for entry in group["weights"]:
                dtype = np.dtype(entry["dtype"])
                count = int(np.prod(entry["shape"]))
                values = np.frombuffer(data, dtype, count, offset)
                tensors[entry["name"]] = values.reshape(entry["shape"])
                offset += values.nbytes
            if offset != len(data):
                raise WeightsError(f"{folder}: {len(data)} bytes of weights, expected {offset}")
    except FileNotFoundError as exc:
        raise WeightsError(
            f"{folder}: {Path(exc.filename).name} is missing; "
            "a TensorFlow.js graph model is model.json with its group1-shard files"
        ) from exc
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as exc:
        if isinstance(exc, WeightsError):
            raise
        raise WeightsError(f"{folder}: not a TensorFlow.js graph model of plain weights") from exc
    return tensors


def folded_convolution(tensors: Tensors, scope: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of the convolution published under ``scope``, batch norm folded in.

    The published graph has three forms: backbone convolutions with scale already in the kernel,
    depthwise ones with the scale beside it, and box predictors with batch norms (depthwise) or
    plain biases. ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`` becomes a scale of
    the kernel and a bias (Jacob et al. 2018, arXiv:1712.05877, section 3.2).
    """
    if f"{scope}/Conv2D/merged_input" in tensors:
        return tensors[f"{scope}/Conv2D/merged_input"], tensors[f"{scope}/BatchNorm/batchnorm/sub"]
    if f"{scope}/weights" in tensors:
        return tensors[f"{scope}/weights"], tensors[f"{scope}/biases"]
    kernel = tensors[f"{scope}/depthwise_weights"]
    norm = f"{scope}/BatchNorm"
    if f"{norm}/gamma" in tensors:
        variance = tensors[f"{norm}/moving_variance"]
        multiplier = tensors[f"{norm}/gamma"] / np.sqrt(variance + BATCH_NORM_EPSILON)
        bias = tensors[f"{norm}/beta"] - tensors[f"{norm}/moving_mean"] * multiplier
    else:
        multiplier = tensors[f"{norm}/batchnorm/mul"]
        bias = tensors[f"{norm}/batchnorm/sub"]
    return kernel * multiplier[:, None], bias


def class_columns(values: Tensor, classes: Sequence[int], count: int = PUBLISHED) -> Tensor:
    """Of a class head's kernel or bias, (..., anchors * count), the columns of ``classes``."""
    by_class = values.reshape(*values.shape[:-1], -1, count)[..., list(classes)]
    return by_class.reshape(*values.shape[:-1], -1)


def load_ssdlite(
    model: keras.Model, tensors: Tensors, classes: Sequence[int] | None = None
) -> None:
    """Set every weight of ``model`` (from :mod:`convert.models.ssdlite`) from the published graph.

    ``classes``: which published class each class of ``model`` starts from; None for all of them.
    Raises :class:`WeightsError` where a layer's weights are missing or of another shape.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        scope = layer.name.replace(".", "/")
        if not scope.startswith("BoxPredictor"):
            scope = f"FeatureExtractor/MobilenetV2/{scope}"
        try:
            kernel, bias = folded_convolution(tensors, scope)
            if classes is not None and scope.endswith("/ClassPredictor"):
                kernel, bias = (class_columns(item, classes) for item in (kernel, bias))
            layer.set_weights([kernel, bias])
        except KeyError as exc:
            raise WeightsError(f"the weights lack {exc.args[0]}") from exc
        except ValueError as exc:
            raise WeightsError(f"the weights of {scope} do not fit this network: {exc}") from exc
