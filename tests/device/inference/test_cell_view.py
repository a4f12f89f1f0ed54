"""Tests of frames in cells: what changed, where the scene lies elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from device.inference.cell_view import CellView, SceneCells, share_changed, shifted

LEVEL = 12.0
EVERYWHERE = (0, 0, 200, 100)


def scene(offset=(0.0, 0.0), at=(4, 8)) -> SceneCells:
    """10 by 20 cells, dark but for four by four bright ones at a row and a column."""
    cells = np.zeros((10, 20), np.float32)
    cells[at[0] : at[0] + 4, at[1] : at[1] + 4] = 200
    return SceneCells(cells, offset)


def view(of: SceneCells) -> CellView:
    """Cells of ten source pixels."""

    def to_cells(box):
        left, top, right, bottom = (int(side) // 10 for side in box)
        return slice(top, bottom), slice(left, right)

    return CellView(of, to_cells, LEVEL, (10, 10))


def test_share_counts_cells_above_the_level():
    now, then = np.array([[0, 12], [13, -13]], np.float32), np.zeros((2, 2), np.float32)
    assert share_changed(now, then, LEVEL) == 0.5


def test_shift_moves_right_and_down_and_repeats_the_edge():
    cells = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    assert shifted(cells, (1, 0)).tolist() == [[1, 1, 2], [4, 4, 5]]
    assert shifted(cells, (0, 1)).tolist() == [[1, 2, 3], [1, 2, 3]]
    assert shifted(cells, (0.5, 0)).tolist() == [[1, 1.5, 2.5], [4, 4.5, 5.5]]


def test_thing_that_moves_in_a_scene_changes_its_cells():
    now = view(scene(at=(4, 10)))
    assert now.changed(scene(), EVERYWHERE) == 16 / 200  # two columns left, two entered
    assert now.changed(scene(), (80, 40, 120, 80)) == 0.5
    assert not now.is_elsewhere(scene())


@pytest.mark.parametrize("across", [2.0, 2.5])
def test_scene_that_moves_as_a_whole_changes_nothing(across):
    then, now = scene(), view(scene((across, 1.0), at=(5, 10)))
    assert now.changed(then, EVERYWHERE) == 0
    assert now.is_elsewhere(then)
    assert now.moved(then) == (across * 10, 10)


def test_thing_that_goes_while_the_scene_moves_is_seen_to_be_gone():
    now = view(SceneCells(np.zeros((10, 20), np.float32), (2.0, 1.0)))
    assert now.changed(scene(), (100, 50, 140, 90)) == 4 / 16  # the cells around have neighbours


def test_other_scene_is_elsewhere():
    now = view(SceneCells(np.full((10, 20), 90, np.float32)))
    assert now.is_another_scene(scene())
    assert now.is_elsewhere(scene())
