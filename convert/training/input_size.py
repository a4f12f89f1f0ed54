"""Input size that a set of boxes needs: the smallest of some at which they fit the anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.errors import DatasetError
from convert.models.anchors import FINEST_STRIDE, grid_sizes, ssd_anchors
from convert.training.batches import relative_boxes
from convert.training.dataset import TrainingImage
from convert.training.targets import POSITIVE_IOU, Matcher

# What auto chooses from, the size of the published weights first: at less they are far from home,
# and take longer to get back. Raccoons had mAP 0.662 at 300 after six minutes and 0.590 at 224. Who
# needs a faster network gives --size 224 and the minutes.
SIZES = (300, 352, 416, 512)
LEAST, MOST = 96, 640  # what may be asked for
FITTING = 0.9  # share of the boxes that must fit
LEAST_CELLS = 4  # sides, in cells of the finest map, from which an object's parts are told apart
BOXES_AT_A_TIME = 256
MOST_BOXES = 4000  # looked at: shares do not change beyond


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """An input size, how many of the boxes fit it, and why it is it."""

    size: int
    fitting: float
    why: str


def check_size(size: int) -> None:
    """Raise :class:`DatasetError` for an input size that the network cannot have."""
    if not LEAST <= size <= MOST:
        raise DatasetError(f"--size {size}: expected {LEAST} to {MOST} pixels, or auto")


def fitting_share(boxes: NDArray[np.float32], size: int) -> float:
    """Share of ``boxes`` that an input of ``size`` pixels has anchors and pixels for.

    A box fits where an anchor overlaps it enough to be positive and its shorter side spans
    :data:`LEAST_CELLS` cells of the finest feature map. ``boxes`` float32 (n, 4): x_min, y_min,
    x_max, y_max, 0..1 of the image.
    """
    matcher = Matcher(ssd_anchors(grid_sizes(size)))
    parts = range(0, len(boxes), BOXES_AT_A_TIME)
    best = np.concatenate(
        [matcher.overlaps(boxes[at : at + BOXES_AT_A_TIME])[0].max(axis=1) for at in parts]
    )
    sides = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)) * size / FINEST_STRIDE
    return float(((best >= POSITIVE_IOU) & (sides >= LEAST_CELLS)).mean())


def choose_size(images: Sequence[TrainingImage]) -> SizeChoice:
    """The smallest of :data:`SIZES` at which :data:`FITTING` of the boxes fit.

    Where even the largest does not reach that, the smallest that comes within two points of what
    the largest reaches: what no size can fit is no reason for a slow network.
    """
    boxes = np.concatenate([relative_boxes(image)[~image.ignored] for image in images])
    if len(boxes) == 0:
        raise DatasetError("not one box to train on: label some objects")
    boxes = boxes[:: max(1, len(boxes) // MOST_BOXES)]
    shares = {size: fitting_share(boxes, size) for size in SIZES}
    wanted = min(FITTING, max(shares.values()) - 0.02)
    size = next(size for size in SIZES if shares[size] >= wanted)
    middle = float(np.median(np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))))
    smaller = [other for other in SIZES if other < size]
    why = (
        f"{shares[size]:.0%} of the boxes fit its anchors and are {LEAST_CELLS:g} cells or more "
        f"wide (half of them take {middle:.0%} of the image's side or less)"
    )
    if smaller:
        why += f"; at {smaller[-1]} it is {shares[smaller[-1]]:.0%}"
    return SizeChoice(size, shares[size], why)
