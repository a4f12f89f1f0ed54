"""Thresholds: the least score that counts, one for all classes or one for each class id.

Models score classes that their labels do not name: those take the last one's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Threshold


def threshold_of(threshold: Threshold, class_id: int) -> float:
    """The least score of one class."""
    if not isinstance(threshold, tuple):
        return threshold
    return threshold[min(class_id, len(threshold) - 1)]


def least_scores(
    threshold: Threshold, class_ids: NDArray[np.float32] | NDArray[np.intp]
) -> float | NDArray[np.float64]:
    """The least score for each of ``class_ids``; one number where it is the same for all."""
    if not isinstance(threshold, tuple):
        return threshold
    known = np.nan_to_num(class_ids).clip(0, len(threshold) - 1).astype(np.intp)
    return np.array(threshold, np.float64)[known]


def changed(threshold: Threshold, change: Callable[[float], float]) -> Threshold:
    """``threshold`` with ``change`` made to it, or to each class's."""
    return tuple(map(change, threshold)) if isinstance(threshold, tuple) else change(threshold)
