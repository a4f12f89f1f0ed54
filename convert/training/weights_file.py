"""Trained weights beside a bundle's files: what a training wrote, and others go on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.errors import WeightsError
from convert.models.array_archive import DAMAGED, pack_arrays, read_arrays
from convert.models.layer_weights import LayerWeights, named_arrays, weights_of, weights_of_arrays

if TYPE_CHECKING:
    import keras

WEIGHTS = "weights.npz"
LABELS = "labels"


@dataclass(frozen=True, slots=True)
class TrainedWeights:
    """Kernels and biases of every layer, and the classes that they tell apart."""

    labels: tuple[str, ...]
    layers: LayerWeights


def pack_weights(model: keras.Model, labels: Sequence[str]) -> bytes:
    """``model``, which tells ``labels`` apart, as :func:`read_weights` reads it."""
    return pack_arrays({LABELS: np.array(labels), **named_arrays(weights_of(model))})


def read_weights(path: Path) -> TrainedWeights:
    """What :func:`pack_weights` made. Raises :class:`WeightsError` for anything else."""
    try:
        arrays = read_arrays(path)
        labels = tuple(str(label) for label in arrays.pop(LABELS))
        return TrainedWeights(labels, weights_of_arrays(arrays))
    except (OSError, *DAMAGED) as exc:
        raise WeightsError(
            f"{path}: no weights that can be trained on ({exc}); --from wants a bundle that "
            "`python -m convert train` made"
        ) from exc
