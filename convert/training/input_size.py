"""Input size and anchor layout that a set of boxes needs: those at which they fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.errors import DatasetError
from convert.models.anchors import ALIKE, PUBLISHED_PIXELS, AnchorLayout
from convert.training.batches import relative_boxes
from convert.training.dataset import TrainingImage
from convert.training.targets import POSITIVE_IOU, Matcher

# What auto chooses from, the size of the published weights first: boxes are less exact at less.
# Raccoons had mAP 0.706 at 300 and 0.632 at 160 after as many images, and AP50 0.95 at both. Who
# needs a faster network gives --size.
SIZES = tuple(PUBLISHED_PIXELS + steps * ALIKE for steps in (0, 2, 4, 7))  # to 524
LEAST, MOST = 64, 640  # what may be asked for
FITTING = 0.9  # share of the boxes that must fit
SCALES = 7  # tried between anchors of as many pixels and those of as large a part
AS_FITTING = 0.02  # of the boxes: how many fewer may fit, for anchors of as many pixels
BOXES_AT_A_TIME = 256
MOST_BOXES = 4000  # looked at: shares do not change beyond


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """An input's layout, how many of the boxes fit it, and why it is it."""

    layout: AnchorLayout
    fitting: float
    why: str

    @property
    def size(self) -> int:
        """Side of the input in pixels."""
        return self.layout.size


def check_size(size: int) -> None:
    """Raise :class:`DatasetError` for an input size that the network cannot have."""
    if not LEAST <= size <= MOST:
        raise DatasetError(f"--size {size}: expected {LEAST} to {MOST} pixels, or auto")


def boxes_of(images: Iterable[TrainingImage]) -> NDArray[np.float32]:
    """At most :data:`MOST_BOXES` of the boxes that are to be found on ``images``.

    Float32 (n, 4): x_min, y_min, x_max, y_max, 0..1 of the image. Raises :class:`DatasetError`
    where there are none.
    """
    boxes = np.concatenate([relative_boxes(image)[~image.ignored] for image in images])
    if len(boxes) == 0:
        raise DatasetError("not one box to train on: label some objects")
    found: NDArray[np.float32] = boxes[:: max(1, len(boxes) // MOST_BOXES)]
    return found


def fitting_share(boxes: NDArray[np.float32], layout: AnchorLayout) -> float:
    """Share of ``boxes``, as of :func:`boxes_of`, that an anchor overlaps enough to be positive.

    More pixels than that were tried on drawn shapes alone, of 14 to 33 % of the image, of which
    93 % fit at 300: after 3 minutes validation mAP was 0.925 at 428 and 0.915 at 300, AP50 1 at
    both, and 300 costs half as much ever after.
    """
    matcher = Matcher(layout.anchors())
    parts = range(0, len(boxes), BOXES_AT_A_TIME)
    best = np.concatenate(
        [matcher.overlaps(boxes[at : at + BOXES_AT_A_TIME])[0].max(axis=1) for at in parts]
    )
    return float((best >= POSITIVE_IOU).mean())


def choose_layout(
    boxes: NDArray[np.float32], size: int, pixels: float = PUBLISHED_PIXELS, even: bool = False
) -> AnchorLayout:
    """The anchors for an input of ``size`` whose weights begin from those of ``pixels`` a side.

    An object of as many pixels as before is found by the heads that have learnt to find it, so
    anchors keep their pixels as far as ``boxes``, as of :func:`boxes_of`, fit them. A network
    trained on raccoons at 300 pixels, which found them with mAP 0.63, had 0.42 at 160 pixels with
    anchors of as many pixels, before it was trained there, and 0.00 with those of as large a part.
    ``even``: the weights were trained with anchors in even cells over this very size.
    """
    scales = np.geomspace(pixels / size, 1.0, SCALES)
    layouts = [AnchorLayout(size, float(scale), even) for scale in scales]
    shares = [fitting_share(boxes, layout) for layout in layouts]
    wanted = max(shares) - AS_FITTING
    return next(item for item, share in zip(layouts, shares, strict=True) if share >= wanted)


def choose_size(images: Sequence[TrainingImage], pixels: float = PUBLISHED_PIXELS) -> SizeChoice:
    """The smallest of :data:`SIZES` at which :data:`FITTING` of the boxes fit.

    Where even the largest does not reach that, the smallest that comes within two points of what
    the largest reaches: what no size can fit is no reason for a slow network. ``pixels`` as of
    :func:`choose_layout`.
    """
    boxes = boxes_of(images)
    layouts = {size: choose_layout(boxes, size, pixels) for size in SIZES}
    shares = {size: fitting_share(boxes, layout) for size, layout in layouts.items()}
    wanted = min(FITTING, max(shares.values()) - AS_FITTING)
    size = next(size for size in SIZES if shares[size] >= wanted)
    middle = float(np.median(np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))))
    smaller = [other for other in SIZES if other < size]
    why = (
        f"{shares[size]:.0%} of the boxes fit its anchors (half of them take {middle:.0%} of the "
        "image's side or less)"
    )
    if smaller:
        why += f"; at {smaller[-1]} it is {shares[smaller[-1]]:.0%}"
    return SizeChoice(layouts[size], shares[size], why)
