"""The chooser of tiles: which part of a frame is worth an invoke of its own.

The whole picture is always seen, and shows where something small may be. A tile in which nothing
moves is worth one look, then it waits for its turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.bundle.manifest import Threshold
from device.inference.candidates import Candidates
from device.inference.cell_view import CellView, SceneCells
from device.inference.preprocess import Rectangle
from device.inference.thresholds import least_scores
from device.inference.tiles import Grid, area_shares

HINT = 0.2  # of the threshold: with so much the whole picture hints at something
SMALL = 0.02  # of the frame's area: larger things the whole picture sees well enough
CHANGED = 0.1  # of the cells of a box: something moved there
AGE_WEIGHT = 0.5  # of a tile's wait, counted in rounds of all tiles, against a hint's score


def grid_for(size_wh: tuple[int, int]) -> Grid:
    """Six tiles, three along the longer side."""
    width, height = size_wh
    return Grid(3, 2) if width >= height else Grid(2, 3)


class TileChooser:
    """Chooses the tiles of a frame to look at: those with hints and movement, then the oldest."""

    def __init__(self) -> None:
        self._looked: dict[int, SceneCells] = {}  # by tile: the scene when it was looked at
        self._ages: dict[int, int] = {}
        self._tiles: Sequence[Rectangle] = ()

    def choose(
        self, count: int, tiles: Sequence[Rectangle], hints: Candidates, view: CellView
    ) -> list[int]:
        """Numbers of the ``count`` tiles that are most worth it, and note that they are seen."""
        if tiles != self._tiles or any(
            view.is_another_scene(then) for then in list(self._looked.values())[:1]
        ):
            self._looked.clear()
            self._tiles = tiles
        worth = np.zeros(len(tiles))
        for number, tile in enumerate(tiles):
            age = self._ages[number] = self._ages.get(number, len(tiles)) + 1
            worth[number] = AGE_WEIGHT * age / len(tiles)
            then = self._looked.get(number)
            moved = 1.0 if then is None else view.changed(then, _corners(tile))
            if moved > 0:
                worth[number] += moved + _hints_in(tile, hints)
        chosen: list[int] = np.argsort(-worth, kind="stable")[:count].tolist()
        for number in chosen:
            self._looked[number], self._ages[number] = view.scene, 0
        return chosen


def small_hints(found: Candidates, thresholds: Threshold, size_wh: tuple[int, int]) -> Candidates:
    """Of what was ``found`` in the whole picture, what is small and below the threshold."""
    unsure = found.scores < least_scores(thresholds, found.class_ids)
    chosen = np.flatnonzero(unsure & (area_shares(found.boxes, size_wh) < 2 * SMALL))
    return found.only(chosen)


def _corners(tile: Rectangle) -> tuple[float, float, float, float]:
    return tile.left, tile.top, tile.left + tile.width, tile.top + tile.height


def _hints_in(tile: Rectangle, hints: Candidates) -> float:
    """The sum of the scores of the hints whose middle lies in ``tile``."""
    middles = (hints.boxes[:, :2] + hints.boxes[:, 2:]) / 2
    low = np.array([tile.left, tile.top])
    high = low + np.array([tile.width, tile.height])
    inside = ((middles >= low) & (middles < high)).all(axis=1)
    return float(hints.scores[inside].sum())
