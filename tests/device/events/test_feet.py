from __future__ import annotations

import zlib
from array import array

import pytest

from device.events import feet as module
from device.events.feet import CELLS, FootMap, decode_grid, empty_grid, encode_grid


@pytest.mark.parametrize(
    ("x", "y", "cell"),
    [(0.0, 0.0, 0), (0.999, 0.0, 31), (1.0, 1.0, CELLS - 1), (-0.2, 1.7, 23 * 32)],
)
def test_feet_fall_into_the_cell_that_they_are_in_or_next_to(x, y, cell):
    feet = FootMap()
    feet.add("cat", 7199.9, x, y, 1.5)
    ((key, cells),) = feet.entries.items()
    assert key == (3600, "cat")
    assert [place for place, seconds in enumerate(cells) if seconds] == [cell]


def test_merged_maps_add_up_and_the_oldest_hours_go(monkeypatch):
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    one, other = FootMap(), FootMap()
    for feet, hours in ((one, (0, 1)), (other, (1, 2))):
        for hour in hours:
            feet.add("cat", 3600.0 * hour, 0.5, 0.5, 1.0)
    one.merge(other)
    assert {key: sum(cells) for key, cells in one.entries.items()} == {
        (3600, "cat"): 2.0,
        (7200, "cat"): 1.0,
    }


def test_grid_comes_back_as_it_was():
    cells = empty_grid()
    cells[5] = 2.5
    assert decode_grid(encode_grid(cells)) == cells


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        zlib.compress(b"short"),
        zlib.compress(array("f", [float("nan")] * CELLS).tobytes()),
        zlib.compress(array("f", [-1.0] * CELLS).tobytes()),
        zlib.compress(bytes(40_000_000)),
    ],
    ids=["empty", "no zlib", "short", "not a number", "negative", "bomb"],
)
def test_grid_that_is_none_is_refused(data):
    with pytest.raises(ValueError, match="foot map"):
        decode_grid(data)
