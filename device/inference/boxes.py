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
    return shared / (area(one) + area(other) - shared)


def area(box: Box) -> float:
    """The area of a box, in the square of its unit."""
    return (box[2] - box[0]) * (box[3] - box[1])


def share_on(box: Box, other: Box) -> float:
    """Which share of ``box`` lies on ``other``, 0..1; 0 for a box without an area."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return width * height / area(box) if width > 0 and height > 0 else 0.0


def pairwise_iou(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`iou` of every box (n, 4) with every other (m, 4): (n, m)."""
    # A row for each of the four sides: that is half the time of columns for a few boxes.
    x_min, y_min, x_max, y_max = ones.T[:, :, None]
    other_x_min, other_y_min, other_x_max, other_y_max = others.T[:, None, :]
    width = np.minimum(x_max, other_x_max) - np.maximum(x_min, other_x_min)
    height = np.minimum(y_max, other_y_max) - np.maximum(y_min, other_y_min)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    own = (x_max - x_min) * (y_max - y_min)
    union = own + (other_x_max - other_x_min) * (other_y_max - other_y_min) - shared
    found: NDArray[np.float64] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return found
