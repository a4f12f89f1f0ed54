"""The input plane: one channel of the network's input, in which a piece of a frame is found again.

Between two looks at a tile a small thing may move; the input of the whole picture shows where to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from device.inference.boxes import Box
from device.inference.preprocess import Placement, Rectangle
from device.records import Tensor

MARGIN = 0.15  # of a box's sides, beside it: a thing is told from what is around it
LEAST_SIDE = 4  # pixels of the input: in less every place looks like every other
LEAST_CONTRAST = 0.02  # of the input's range, as standard deviation: a plain piece is everywhere
REACH = 6  # pixels of the input that a thing moves at most in a frame, besides what the scene does
ALIKE = 0.5  # least correlation of a piece with the place where it is found again


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A piece of an input plane, around a box."""

    pixels: NDArray[np.float32]  # (rows, columns)
    left: int  # where in the plane it was cut
    top: int
    box: Box  # in the source pixels of that frame


class InputPlane:
    """What one channel of the network's input shows of a frame."""

    def __init__(self, pixels: Tensor, placement: Placement, value_range: float) -> None:
        """``pixels`` (rows, columns) of the input's dtype, whose values span ``value_range``."""
        self._pixels = pixels
        self._placement = placement
        self._least_contrast = LEAST_CONTRAST * value_range

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frame, in pixels."""
        return self._placement.source_width, self._placement.source_height

    def cut(self, box: Box) -> Patch | None:
        """The piece around ``box``; None where there is nothing to know it by."""
        x_min, y_min, x_max, y_max = box
        across, down = MARGIN * (x_max - x_min), MARGIN * (y_max - y_min)
        first_x, first_y = self._inside(x_min - across, y_min - down)
        last_x, last_y = self._inside(x_max + across, y_max + down)
        shown = self._shown
        left, top = max(shown.left, math.floor(first_x)), max(shown.top, math.floor(first_y))
        right = min(shown.left + shown.width, math.ceil(last_x))
        bottom = min(shown.top + shown.height, math.ceil(last_y))
        if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
            return None
        pixels = self._pixels[top:bottom, left:right].astype(np.float32)
        if pixels.std() < self._least_contrast:
            return None
        return Patch(pixels, left, top, box)

    def find(self, patch: Patch, near: Box) -> Box | None:
        """The box of a patch of a frame before, looked for around the box ``near``.

        The place is that of the greatest normalised cross-correlation, between pixels that of the
        parabola through it and its neighbours; None where the piece is not found again.
        """
        scale_x, scale_y = self._scale
        x_min, y_min, x_max, y_max = patch.box
        left = round(patch.left + (near[0] - x_min) * scale_x) - REACH
        top = round(patch.top + (near[1] - y_min) * scale_y) - REACH
        rows, columns = patch.pixels.shape
        shown = self._shown
        low_x, low_y = max(shown.left, left), max(shown.top, top)
        high_x = min(shown.left + shown.width - columns, left + 2 * REACH)
        high_y = min(shown.top + shown.height - rows, top + 2 * REACH)
        if high_x < low_x or high_y < low_y:
            return None
        window = self._pixels[low_y : high_y + rows, low_x : high_x + columns].astype(np.float32)
        alike = np.asarray(
            cv2.matchTemplate(window, patch.pixels, cv2.TM_CCOEFF_NORMED), np.float32
        )
        _, best, _, (column, row) = cv2.minMaxLoc(alike)
        if not best >= ALIKE:  # neither where it is no number
            return None
        x, y = low_x + column, low_y + row
        if x in (left, left + 2 * REACH) or y in (top, top + 2 * REACH):
            return None  # as far as was looked: it may have gone farther
        across = (low_x + _peak(alike[row], column) - patch.left) / scale_x
        down = (low_y + _peak(alike[:, column], row) - patch.top) / scale_y
        return x_min + across, y_min + down, x_max + across, y_max + down

    @cached_property
    def _shown(self) -> Rectangle:
        """The part of the plane that shows the frame: all but the bars of a letterbox."""
        rows, columns = self._pixels.shape
        left, top, width, height = self._placement.target
        first_x, first_y = round(left * columns), round(top * rows)
        last_x, last_y = round((left + width) * columns), round((top + height) * rows)
        return Rectangle(first_x, first_y, last_x - first_x, last_y - first_y)

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """Pixels of the input for each of the frame's, across and down."""
        rows, columns = self._pixels.shape
        _, _, width, height = self._placement.target
        return columns * width / self._placement.width, rows * height / self._placement.height

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        """A place in source pixels, in pixels of the input."""
        rows, columns = self._pixels.shape
        left, top, _, _ = self._placement.target
        scale_x, scale_y = self._scale
        return (
            (x - self._placement.left) * scale_x + left * columns,
            (y - self._placement.top) * scale_y + top * rows,
        )


def _peak(values: NDArray[np.float32], place: int) -> float:
    """Where a parabola through the greatest of ``values``, at ``place``, is greatest."""
    if not 0 < place < len(values) - 1:
        return float(place)
    before, here, after = (float(value) for value in values[place - 1 : place + 2])
    bend = before - 2 * here + after
    return place + 0.5 * (before - after) / bend if bend < 0 else float(place)
