"""The view in cells: a frame in squares of the network's input, coarse enough to be compared.

Frames of a camera that pans are compared where the scene lies in each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

CUT = 0.6  # of all cells: another scene
ALIGNED = 0.05  # of a cell: scenes that lie so near to each other are compared as they are
NEIGHBOURS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

Cells = NDArray[np.float32]


class SceneCells(NamedTuple):
    """The cells of a frame, and where in it the scene lies."""

    cells: Cells  # (rows, columns), mean brightness
    offset: tuple[float, float] = 0.0, 0.0  # columns and rows from where it lay at first


def share_changed(cells: Cells, then: Cells, level: float) -> float:
    """Which share of the cells differ by more than ``level``."""
    return float((np.abs(cells - then) > level).mean())


def shifted(cells: Cells, by: tuple[float, float]) -> Cells:
    """``cells`` moved by columns and rows; those at the edge are repeated."""
    rows, columns = cells.shape
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float32)
    moved = cv2.warpAffine(cells, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


@dataclass(frozen=True, slots=True)
class CellView:
    """The cells in which a frame is shown, and how to find a box of source pixels there."""

    scene: SceneCells
    to_cells: Callable[[Sequence[float]], tuple[slice, slice]]
    level: float  # from which a cell has changed
    cell_wh: tuple[float, float]  # source pixels
    _differences: dict[int, NDArray[np.bool_]] = field(default_factory=dict)  # by identity

    def changed(self, then: SceneCells, box: Sequence[float]) -> float:
        """Which share of the cells of ``box``, on this frame, differ from ``then``."""
        rows, columns = self.to_cells(box)
        return float(self._differs(then)[rows, columns].mean())

    def is_another_scene(self, then: SceneCells) -> bool:
        """Whether most of it changed."""
        return float(self._differs(then).mean()) > CUT

    def is_elsewhere(self, then: SceneCells) -> bool:
        """Whether the scene moved as a whole, or is another one."""
        return max(map(abs, self._shift(then))) >= ALIGNED or self.is_another_scene(then)

    def moved(self, then: SceneCells) -> tuple[float, float]:
        """How far across and down the scene went since ``then``, in source pixels."""
        across, down = self._shift(then)
        width, height = self.cell_wh
        return across * width, down * height

    def _shift(self, then: SceneCells) -> tuple[float, float]:
        (now_x, now_y), (then_x, then_y) = self.scene.offset, then.offset
        return now_x - then_x, now_y - then_y

    def _differs(self, then: SceneCells) -> NDArray[np.bool_]:
        """Which cells of this frame differ from those of ``then`` that lie there now."""
        key = id(then.cells)
        if key not in self._differences:
            self._differences[key] = self._compare(then)
        return self._differences[key]

    def _compare(self, then: SceneCells) -> NDArray[np.bool_]:
        shift, now = self._shift(then), self.scene.cells
        if max(map(abs, shift)) < ALIGNED:
            return np.asarray(np.abs(now - then.cells) > self.level)
        # Cells that lie across cells of then are between them and their neighbours.
        before = shifted(then.cells, shift)
        low, high = cv2.erode(before, NEIGHBOURS), cv2.dilate(before, NEIGHBOURS)
        return np.asarray((now < low - self.level) | (now > high + self.level))
