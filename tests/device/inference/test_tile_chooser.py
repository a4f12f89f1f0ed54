from __future__ import annotations

import numpy as np
import pytest

from device.inference.candidates import Candidates
from device.inference.cell_view import CellView, SceneCells
from device.inference.preprocess import Rectangle
from device.inference.tile_chooser import TileChooser, grid_for, small_hints
from device.inference.tiles import Grid, tiles_of

SIZE_WH = (600, 400)
TILES = tiles_of(grid_for(SIZE_WH), SIZE_WH)
SMALL = (20, 20, 50, 50)  # in the first tile alone
ELSEWHERE = (560, 360, 590, 390)  # in the last alone
LARGE = (20, 20, 400, 300)


def of(*items: tuple[tuple[float, ...], float, int]) -> Candidates:
    """Boxes with score and class, best first."""
    boxes, scores, ids = zip(*items, strict=True) if items else ((), (), ())
    return Candidates(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(ids, np.intp),
    )


def view(
    moved: tuple[float, ...] | None = None, offset: tuple[float, float] = (0.0, 0.0)
) -> CellView:
    """A view of cells of 10 pixels, dark but for a box where something ``moved``."""

    def to_cells(box):
        left, top, right, bottom = (int(side) // 10 for side in box)
        return slice(top, bottom), slice(left, right)

    cells = np.zeros((40, 60), np.float32)
    if moved is not None:
        cells[to_cells(moved)] = 200
    return CellView(SceneCells(cells, offset), to_cells, 12.0, (10, 10))


def told(found: Candidates) -> list[tuple[tuple[float, ...], float, int]]:
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True)
    return [(tuple(box), round(score, 4), class_id) for box, score, class_id in rows]


@pytest.mark.parametrize(("size_wh", "grid"), [((640, 480), Grid(3, 2)), ((480, 640), Grid(2, 3))])
def test_three_tiles_lie_along_the_longer_side(size_wh, grid):
    assert grid_for(size_wh) == grid


def test_every_tile_of_a_still_scene_is_looked_at_in_turn():
    chooser = TileChooser()
    chosen = [chooser.choose(1, TILES, of(), view())[0] for _ in range(12)]
    assert sorted(chosen[:6]) == list(range(6))
    assert chosen[6:] == chosen[:6]


def test_never_more_tiles_are_chosen_than_asked():
    assert len(set(TileChooser().choose(2, TILES, of(), view()))) == 2


def test_tile_with_hints_goes_first_and_the_others_are_not_forgotten():
    chooser, hints = TileChooser(), of((ELSEWHERE, 0.4, 1))
    chosen = [chooser.choose(1, TILES, hints, view())[0] for _ in range(6)]
    assert chosen[0] == 5
    assert sorted(chosen) == list(range(6))  # of what stands still one look is enough


def test_tile_in_which_something_moves_is_looked_at_again():
    chooser = TileChooser()
    for _ in range(6):
        chooser.choose(1, TILES, of(), view())
    assert chooser.choose(1, TILES, of(), view(moved=(*TILES[4][:2], 590, 390))) == [4]


def test_hints_are_small_and_below_the_threshold():
    found = of((SMALL, 0.9, 0), (SMALL, 0.4, 1), (LARGE, 0.4, 2))
    assert told(small_hints(found, 0.5, SIZE_WH)) == [(SMALL, 0.4, 1)]


def test_tiles_of_the_corners_are_those_the_tests_mean():
    assert TILES[0][:2] == (0, 0)
    assert isinstance(TILES[5], Rectangle)
    assert (TILES[5].left + TILES[5].width, TILES[5].top + TILES[5].height) == SIZE_WH
