"""Is a variant still the network it was made from? Its outputs beside float32's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from device.decode import dequantise
from device.manifest import TensorSpec
from device.records import Tensor

Outputs = Mapping[str, Tensor]


def real_outputs(
    outputs: Outputs, specs: Mapping[str, TensorSpec]
) -> dict[str, NDArray[np.float32]]:
    """What the stored ``outputs`` stand for, as float32."""
    return {name: dequantise(values, specs[name]) for name, values in outputs.items()}


def least_cosine(
    found: Mapping[str, NDArray[np.float32]], reference: Mapping[str, NDArray[np.float32]]
) -> float:
    """Cosine similarity of the output that differs most from ``reference``; 1 is the same.

    Both map names to float32 (pictures, ...). Raises :class:`ConversionError` for outputs that
    are missing, of another shape, not finite, or the same on every picture.
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
        if len(values) > 1 and (values == values[0]).all():
            raise ConversionError(f"{name} is the same on every picture")
        a, b = values.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        worst = min(worst, float(a @ b / norms) if norms else 0.0)
    return worst
