"""Parity: whether a variant is still the network it was made from, by its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from device.bundle.heads import TensorSpec
from device.inference.candidates import dequantise
from device.records import Tensor

Outputs = Mapping[str, Tensor]

STILL = 0.05  # of an output's largest magnitude: a variation that 8 bits may not show


def real_outputs(
    outputs: Outputs, specs: Mapping[str, TensorSpec]
) -> dict[str, NDArray[np.float32]]:
    """What the stored ``outputs`` stand for, as float32."""
    return {name: dequantise(values, specs[name]) for name, values in outputs.items()}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like the reference a variant answers, over all outputs and pictures.

    ``cosine`` is of the output that differs most, 1 being the same; the errors are absolute
    differences in the outputs' own units (logits and box encodings, or scores).
    """

    cosine: float
    error_p99: float
    error_max: float


def compare(
    found: Mapping[str, NDArray[np.float32]], reference: Mapping[str, NDArray[np.float32]]
) -> Likeness:
    """Compare outputs with those of ``reference``.

    Both map names to float32 (pictures, ...). Raises :class:`ConversionError` for outputs that
    are missing, of another shape, not finite, or the same on every picture: all outputs together,
    or one that varies in the reference. A head of an SSD that no object is for, such as that of the
    coarsest map, may vary by less than a step of int8.
    """
    if found.keys() != reference.keys():
        raise ConversionError(f"outputs {sorted(found)}, expected {sorted(reference)}")
    worst = 1.0
    for name, expected in reference.items():
        values = found[name]
        if values.shape != expected.shape:
            raise ConversionError(f"{name} has shape {values.shape}, expected {expected.shape}")
        if not np.isfinite(values).all():
            raise ConversionError(f"{name} holds NaN or infinity")
        a, b = values.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        worst = min(worst, float(a @ b / norms) if norms else 0.0)
    fixed = [name for name, values in found.items() if len(values) > 1 and _spread(values) == 0]
    wrong = [name for name in fixed if _spread(reference[name]) > STILL]
    if wrong or (fixed and len(fixed) == len(found)):
        raise ConversionError(
            f"{', '.join(wrong or fixed)} is the same on every picture: was the model trained, and "
            "on pictures with this --mean and --std?"
        )
    errors = np.concatenate(
        [np.abs(found[name] - expected).ravel() for name, expected in reference.items()]
    )
    return Likeness(worst, float(np.quantile(errors, 0.99)), float(errors.max()))


def _spread(values: NDArray[np.float32]) -> float:
    """How much ``values`` (pictures, ...) vary between pictures, as a share of their magnitude."""
    return float(np.ptp(values, axis=0).max() / max(np.abs(values).max(), 1e-12))
