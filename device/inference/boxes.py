"""Boxes: intersection over union, and how far two may lie apart to be one object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max, in any one unit

MATCH_IOU = 0.5  # as much overlap and two boxes are of one object


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1; 0 for boxes without an area."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(x_max - x_min) * (y_max - y_min) for x_min, y_min, x_max, y_max in (one, other)]
    return shared / (sum(areas) - shared)


def pairwise_iou(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`iou` of every box (n, 4) with every other (m, 4): (n, m)."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area, other_area = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (ones, others))
    union = area[:, None] + other_area[None, :] - shared
    found: NDArray[np.float64] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return found
