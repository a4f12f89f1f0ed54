from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest

from device.inference.input_plane import InputPlane
from device.inference.preprocess import Placement
from device.inference.tile_memory import MOST_FRAMES, MOST_FRAMES_FOLLOWED, TileMemory
from device.inference.tiles import Part
from tests.device.inference.test_input_plane import plane_with
from tests.device.inference.test_tile_chooser import (
    ELSEWHERE,
    LARGE,
    SMALL,
    TILES,
    of,
    told,
    view,
)


@pytest.fixture
def memory():
    return TileMemory()


@pytest.fixture
def seen(memory):
    """What is on a frame, of which tile ``tile`` showed ``found``, at a threshold of 0.5.

    At ``thing`` the frame has something to be known again by.
    """

    def seen(whole, found=None, tile=0, moved=None, offset=(0, 0), thing=None):
        looks = [] if found is None else [Part(TILES[tile], found)]
        return told(memory.merge(whole, looks, 0.5, view(moved, offset), plane_with(thing)))

    return seen


def test_nothing_is_found_where_nothing_is(seen):
    assert seen(of(), of()) == []
    assert seen(of()) == []


def test_small_thing_is_told_if_the_tile_is_sure(seen):
    assert seen(of(), of((SMALL, 0.7, 1))) == [(SMALL, 0.7, 1)]
    assert seen(of(), of((ELSEWHERE, 0.55, 1)), tile=5)[1:] == []  # sure is 0.6


def test_hint_of_the_whole_picture_makes_a_tile_surer(seen):
    # 1 - (1 - 0.55) * (1 - 0.2); without a hint 0.6 would be needed
    assert seen(of((SMALL, 0.2, 1)), of((SMALL, 0.55, 1))) == [(SMALL, 0.64, 1)]
    # A hint at another class is none.
    assert seen(of((ELSEWHERE, 0.2, 2)), of((ELSEWHERE, 0.55, 1)), tile=5)[1:] == []


def test_hint_does_not_stand_for_what_a_tile_lacks_of_its_threshold(seen):
    assert seen(of((SMALL, 0.4, 1)), of((SMALL, 0.49, 1))) == []


def test_large_and_cut_things_are_left_to_the_whole_picture(seen):
    tile = TILES[0]
    at_the_seam = (tile.width - 20, 20, tile.width, 50)
    assert seen(of(), of((LARGE, 0.9, 1), (at_the_seam, 0.9, 1))) == []


def test_thing_that_both_see_is_told_once_with_the_better_score(seen):
    assert seen(of((SMALL, 0.8, 1)), of((SMALL, 0.9, 1))) == [(SMALL, 0.9, 1)]
    assert seen(of((SMALL, 0.8, 1)), of((SMALL, 0.7, 1))) == [(SMALL, 0.8, 1)]


def test_thing_that_both_see_has_the_box_of_the_tile_while_it_is_remembered(seen):
    coarse = of(((15, 15, 48, 52), 0.8, 1))
    assert seen(coarse, of((SMALL, 0.7, 1))) == [(SMALL, 0.8, 1)]
    assert seen(coarse, of(), tile=5) == [(SMALL, 0.8, 1)]
    surer = of(((15, 15, 48, 52), 0.9, 1))
    assert seen(surer, of(), tile=5) == [(SMALL, 0.9, 1)]
    moved = of(((25, 15, 58, 52), 0.8, 1))
    assert seen(moved, of(), tile=5, moved=(20, 20, 60, 50)) == [((25, 15, 58, 52), 0.8, 1)]


def test_box_of_a_tile_that_is_less_sure_replaces_none(seen):
    coarse = (15, 15, 48, 52)
    assert seen(of((coarse, 0.8, 1)), of((SMALL, 0.49, 1))) == [(coarse, 0.8, 1)]


def test_one_box_of_the_whole_picture_is_replaced_once(seen):
    other = (20, 20, 46, 44)  # of one thing with SMALL
    assert seen(of((SMALL, 0.8, 1)), of((SMALL, 0.7, 1), (other, 0.6, 1))) == [(SMALL, 0.8, 1)]


def test_piece_of_a_thing_that_both_see_is_no_other_thing(seen):
    body, head = (20, 20, 60, 100), (30, 22, 50, 42)
    coarse, exact = of(((18, 16, 62, 104), 0.8, 1)), of((body, 0.9, 1), (head, 0.7, 1))
    assert seen(coarse, exact) == [(body, 0.9, 1)]
    assert seen(coarse, of(), tile=5) == [(body, 0.9, 1)]


def test_box_that_was_replaced_is_no_hint_at_another_thing(seen):
    # Both lie on it by a third or more; alone, the second would need 0.6.
    coarse, one, other = (20, 20, 60, 60), (20, 20, 42, 60), (41, 20, 60, 60)
    assert seen(of((coarse, 0.8, 1)), of((one, 0.7, 1), (other, 0.55, 1))) == [(one, 0.8, 1)]
    assert len(seen(of((coarse, 0.8, 1)), of((one, 0.7, 1), (other, 0.65, 1)))) == 2


def test_neighbour_of_what_is_remembered_is_told(seen):
    one, other = (20, 20, 60, 60), (40, 20, 80, 60)  # they overlap by a third
    seen(of(), of((other, 0.8, 1)))
    both = of((one, 0.8, 1), (other, 0.75, 1))
    found = seen(both, of((one, 0.9, 1), (other, 0.45, 1)))
    assert {box for box, _, _ in found} == {one, other}


def test_frame_of_another_size_forgets_all(memory):
    looks = [Part(TILES[0], of((SMALL, 0.7, 1)))]
    assert told(memory.merge(of(), looks, 0.5, view(), plane_with())) == [(SMALL, 0.7, 1)]
    larger = InputPlane(np.zeros((300, 300)), Placement(0, 0, 1200, 800, 1200, 800), 255.0)
    assert told(memory.merge(of(), [], 0.5, view(), larger)) == []


def test_score_of_the_threshold_is_enough_in_single_precision(seen, memory):
    looks = [Part(TILES[0], of((SMALL, 0.7, 1)))]
    assert told(memory.merge(of((SMALL, 0.2, 1)), looks, 0.7, view(), plane_with()))


def test_piece_of_a_larger_thing_is_no_other_thing(seen):
    assert seen(of((LARGE, 0.8, 1)), of((SMALL, 0.9, 1))) == [(LARGE, 0.8, 1)]
    assert len(seen(of((LARGE, 0.8, 1)), of((SMALL, 0.9, 2)))) == 2  # of another class it is


def test_two_tiles_that_see_one_thing_tell_it_once(memory):
    shared = (200, 20, 225, 50)  # where the first two tiles overlap
    looks = [Part(TILES[n], of((shared, score, 1))) for n, score in ((0, 0.8), (1, 0.7))]
    assert told(memory.merge(of(), looks, 0.5, view(), plane_with())) == [(shared, 0.8, 1)]


def test_what_a_tile_does_not_see_is_not_told(seen):
    whole = of((SMALL, 0.6, 1))
    assert seen(whole, of()) == []
    assert seen(whole, of((SMALL, 0.39, 1)), moved=SMALL) == []  # seen is 0.4
    assert seen(whole, of((SMALL, 0.41, 1)), moved=SMALL) == [(SMALL, 0.6, 1)]


def test_refuted_thing_stays_out_until_something_moves_there(seen):
    whole = of((SMALL, 0.6, 1))
    assert seen(whole, of()) == []
    assert seen(whole, of(), tile=5) == []
    assert seen(whole, moved=SMALL) == [(SMALL, 0.6, 1)]


def test_thing_is_kept_while_nothing_moves_there(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    for _ in range(MOST_FRAMES):
        assert seen(of(), of(), tile=5) == [(SMALL, 0.7, 1)]
    assert seen(of(), of(), tile=5) == []


def test_thing_that_is_gone_when_looked_at_again_is_gone(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of(), of()) == []
    assert seen(of()) == []


def test_thing_that_moved_goes_where_the_whole_picture_has_a_hint_of_it(seen):
    moved = (30, 20, 60, 50)
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of((moved, 0.2, 1)), moved=(20, 20, 60, 50)) == [(moved, 0.7, 1)]


def test_thing_that_moves_is_followed(seen):
    seen(of(), of((SMALL, 0.7, 1)), thing=SMALL)
    for step, moved in ((4, (10, 10, 70, 70)), (8, None), (12, (10, 10, 70, 70))):
        there = (20 + step, 20 + step / 2, 50 + step, 50 + step / 2)
        [(box, score, class_id)] = seen(of(), moved=moved, thing=there)
        assert box == pytest.approx(there, abs=0.1)
        assert (score, class_id) == (0.7, 1)


def test_thing_that_moves_is_told_with_its_box_of_the_tile(seen):
    seen(of(), of((SMALL, 0.7, 1)), thing=SMALL)
    there, coarse = (24, 20, 54, 50), (18, 16, 56, 56)
    [(box, _, _)] = seen(of((coarse, 0.6, 1)), moved=(10, 10, 70, 70), thing=there)
    assert box == pytest.approx(there, abs=0.1)


def test_small_thing_that_moves_by_half_its_width_keeps_its_box_of_the_tile(seen):
    narrow = (20, 20, 30, 50)
    seen(of(), of((narrow, 0.7, 1)), thing=narrow)
    there, coarse = (25, 20, 35, 50), (23, 16, 37, 54)
    [(box, score, _)] = seen(of((coarse, 0.6, 1)), moved=(10, 10, 70, 70), thing=there)
    assert box == pytest.approx(there, abs=0.2)
    assert score == 0.7


def test_thing_is_followed_for_so_many_frames(seen):
    seen(of(), of((SMALL, 0.7, 1)), thing=SMALL)
    told_on = [
        len(seen(of(), moved=moved, thing=(20 + 4 * n, 20, 50 + 4 * n, 50)))
        for n, moved in zip(
            range(1, MOST_FRAMES_FOLLOWED + 2), cycle([(0, 10, 200, 70), None]), strict=False
        )
    ]
    assert told_on == [1] * MOST_FRAMES_FOLLOWED + [0]


def test_thing_that_moves_out_of_the_frame_is_lost(seen):
    low = (20, 360, 50, 390)
    seen(of(), of((low, 0.7, 1)), tile=3, thing=low)
    assert len(seen(of(), moved=(10, 350, 70, 400), thing=(20, 364, 50, 394))) == 1
    assert seen(of(), thing=(20, 372, 50, 402)) == []


def test_thing_that_moved_without_a_hint_is_lost(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of(), moved=SMALL) == []


def test_thing_that_the_whole_picture_sees_too_by_now_is_told_once(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of((SMALL, 0.9, 1))) == [(SMALL, 0.9, 1)]


def test_of_two_things_the_one_that_the_whole_picture_sees_by_now_becomes_surer(seen):
    beside = (100, 20, 130, 50)
    seen(of(), of((SMALL, 0.7, 1), (beside, 0.7, 1)))
    assert seen(of((beside, 0.9, 1))) == [(beside, 0.9, 1), (SMALL, 0.7, 1)]


def test_another_scene_forgets_all(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of((SMALL, 0.2, 1)), moved=(0, 0, 600, 400)) == []


def test_thing_in_a_scene_that_moves_is_followed(seen):
    seen(of(), of((SMALL, 0.7, 1)), thing=SMALL)
    # The scene moved by (20, 10) pixels, to 40, 30; the thing went two pixels further.
    there = (42, 30, 72, 60)
    [(box, _, _)] = seen(of(), offset=(2, 1), thing=there)
    assert box == pytest.approx(there, abs=0.1)


def test_thing_that_is_not_found_again_in_a_scene_that_moves_is_lost(seen):
    seen(of(), of((SMALL, 0.7, 1)), thing=SMALL)
    assert seen(of(), offset=(2, 1)) == []


def test_thing_in_a_scene_that_moves_goes_to_the_hint_of_the_whole_picture(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    there = (42, 30, 72, 60)
    assert seen(of((there, 0.2, 1)), offset=(2, 1)) == [(there, 0.7, 1)]


def test_thing_that_only_hints_tell_of_is_kept_for_so_many_frames(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    told_on = []
    for n in range(1, MOST_FRAMES + 2):
        hint = (20 + 10 * n, 20, 50 + 10 * n, 50)
        told_on.append(len(seen(of((hint, 0.2, 1)), offset=(n, 0))))
    assert told_on == [1] * MOST_FRAMES + [0]


def test_thing_that_leaves_the_frame_is_lost(seen):
    seen(of(), of((SMALL, 0.7, 1)))
    assert seen(of(((0, 20, 20, 50), 0.2, 1)), offset=(-3, 0)) == []  # to -10, and 1 % is 6


def test_refuted_thing_stays_out_where_the_scene_moves_it(seen):
    seen(of((SMALL, 0.6, 1)), of())
    for frame in range(1, 4):
        left = 20 + 20 * frame
        assert seen(of(((left, 20, left + 30, 50), 0.6, 1)), offset=(2 * frame, 0)) == []


def test_tile_alone_must_be_surer_while_the_scene_moves(seen):
    seen(of())
    assert seen(of(), of((SMALL, 0.79, 1)), offset=(2, 0)) == []  # sure is 0.8, else 0.6
    assert seen(of((SMALL, 0.2, 1)), of((SMALL, 0.51, 1)), offset=(4, 0)) == [(SMALL, 0.608, 1)]
    assert seen(of(), of((SMALL, 0.81, 1)), offset=(6, 0)) == [(SMALL, 0.81, 1)]


def test_each_class_has_its_own_threshold(memory):
    looks = [Part(TILES[0], of((SMALL, 0.7, 0), (SMALL, 0.7, 1)))]
    assert told(memory.merge(of(), looks, (0.9, 0.5), view(), plane_with())) == [(SMALL, 0.7, 1)]
