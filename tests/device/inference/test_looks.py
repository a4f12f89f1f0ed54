from __future__ import annotations

import pytest

from device.inference.looks import Looks, SeenBox, TileLook, best_score, nearest_box
from device.inference.preprocess import Rectangle
from device.inference.tiles import Part
from tests.device.inference.test_input_plane import plane_with
from tests.device.inference.test_tile_chooser import LARGE, SMALL, TILES, of, view

BESIDE = (25, 15, 58, 52)  # more than a third of it on SMALL


def looks_at(whole, *tiles: Part) -> Looks:
    return Looks.of(whole, tiles, 0.5, view(), plane_with(), in_motion=False)


def tile_of(left: int, top: int) -> TileLook:
    """A tile of 100 pixels a side, of a frame of 300."""
    return TileLook(Rectangle(left, top, 100, 100), [], [], (300, 300))


def test_what_reaches_its_threshold_is_told_and_what_does_not_is_a_hint():
    looks = looks_at(of((SMALL, 0.5, 1), (LARGE, 0.4, 2)))
    assert [item.box for item in looks.best()] == [SMALL]
    assert [item.box for item in looks.hints()] == [LARGE]


def test_threshold_of_each_class_is_its_own():
    looks = Looks.of(
        of((SMALL, 0.6, 0), (LARGE, 0.6, 1)), [], (0.7, 0.5), view(), plane_with(), False
    )
    assert [item.least for item in looks.whole] == pytest.approx([0.7, 0.5])
    assert [item.box for item in looks.best()] == [LARGE]


def test_small_whole_things_of_tiles_are_looked_at_one_by_one():
    tile = TILES[0]
    cut = (tile.width - 20, 20, tile.width, 50)
    looks = looks_at(of(), Part(tile, of((LARGE, 0.9, 1), (cut, 0.9, 1), (SMALL, 0.2, 1))))
    assert [item.box for item in looks.small()] == [SMALL]


def test_superseded_box_is_told_no_more_and_stands_for_one_thing():
    looks = looks_at(of((BESIDE, 0.8, 1)))
    assert looks.supersede(SMALL, 1) == pytest.approx(0.8)
    assert looks.best() == []
    assert looks.supersede(SMALL, 1) is None


@pytest.mark.parametrize(
    ("whole", "class_id"),
    [
        (of((BESIDE, 0.8, 2)), 1),  # another class
        (of((BESIDE, 0.4, 1)), 1),  # a hint alone
        (of(((60, 60, 90, 90), 0.8, 1)), 1),  # another place
        (of((LARGE, 0.8, 1)), 1),
    ],
)
def test_box_of_nothing_of_the_kind_supersedes_none(whole, class_id):
    looks = looks_at(whole)
    told = looks.best()
    assert looks.supersede(SMALL, class_id) is None
    assert looks.best() == told


def test_tile_holds_what_keeps_away_from_its_seams():
    assert tile_of(100, 100).holds((110, 110, 190, 190), 0.1)
    assert not tile_of(100, 100).holds((109, 110, 190, 190), 0.1)
    assert not tile_of(100, 100).holds((110, 110, 190, 191), 0.1)


def test_side_of_the_frame_is_no_seam():
    assert tile_of(0, 200).holds((0, 210, 90, 300), 0.1)
    assert not tile_of(0, 200).holds((0, 209, 90, 300), 0.1)


def test_best_score_is_of_the_same_class_and_place():
    found = [
        SeenBox(BESIDE, 0.6, 1, 0.5),
        SeenBox(BESIDE, 0.9, 2, 0.5),
        SeenBox(LARGE, 0.8, 1, 0.5),
    ]
    assert best_score(SMALL, 1, found) == 0.6
    assert best_score(SMALL, 3, found) == 0


def test_nearest_box_overlaps_most():
    nearer = (SMALL[0] + 1, *SMALL[1:])
    found = [SeenBox(BESIDE, 0.9, 1, 0.5), SeenBox(nearer, 0.1, 1, 0.5)]
    assert nearest_box(SMALL, 1, found) == nearer
    assert nearest_box(SMALL, 2, found) is None
