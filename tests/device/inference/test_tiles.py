from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.inference.candidates import Candidates
from device.inference.preprocess import Rectangle
from device.inference.tiles import Grid, Part, merge, tiles_of

SIZE = (100, 60)
WHOLE = Rectangle(0, 0, *SIZE)
LEFT, RIGHT = Rectangle(0, 0, 56, 60), Rectangle(44, 0, 56, 60)


def part(view, *found) -> Part:
    """``found``: a score, a class id and a box each."""
    boxes = np.array([box for _, _, *box in found], np.float32).reshape(-1, 4)
    scores = np.array([score for score, *_ in found], np.float32)
    return Part(view, Candidates(boxes, scores, np.array([item[1] for item in found], np.intp)))


def merged(*parts, most=100):
    found = merge(list(parts), SIZE, most)
    rows = zip(found.scores, found.class_ids, found.boxes.tolist(), strict=True)
    return [(float(score), int(class_id), *box) for score, class_id, box in rows]


def test_two_by_two_tiles_overlap_by_a_fifth_of_their_side():
    assert tiles_of(Grid(2, 2), (180, 90)) == (
        Rectangle(0, 0, 100, 50),
        Rectangle(80, 0, 100, 50),
        Rectangle(0, 40, 100, 50),
        Rectangle(80, 40, 100, 50),
    )


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
)
def test_tiles_cover_the_frame_and_nothing_beside_it(grid, size_wh):
    tiles = tiles_of(Grid(*grid), size_wh)
    assert len(tiles) == grid[0] * grid[1]
    covered = [np.zeros(side, bool) for side in size_wh]
    for left, top, width, height in tiles:
        assert min(width, height) > 0
        assert left >= 0
        assert top >= 0
        assert (left + width <= size_wh[0], top + height <= size_wh[1]) == (True, True)
        covered[0][left : left + width] = True
        covered[1][top : top + height] = True
    assert all(axis.all() for axis in covered)


def test_one_object_on_whole_frame_and_tile_is_found_once_at_its_better_place():
    box = (0.5, 1, 10, 10, 20, 20)
    better = (0.75, 1, 10, 11, 20, 21)  # IoU 90 / 110
    assert merged(part(WHOLE, box), part(LEFT, better)) == [better]


@pytest.mark.parametrize(
    "other",
    [(0.5, 2, 10, 10, 20, 20), (0.5, 1, 16, 10, 26, 20)],  # another class; IoU 40 / 160
)
def test_two_objects_stay_two(other):
    one = (0.75, 1, 10, 10, 20, 20)
    assert merged(part(WHOLE, one), part(LEFT, other)) == [one, other]


def test_what_the_decoder_left_on_one_part_is_left():
    crowd = [(0.75, 1, 10, 10, 20, 20), (0.5, 1, 10, 12, 20, 22)]  # IoU 80 / 120
    assert merged(part(WHOLE, *crowd), part(LEFT)) == crowd


def test_piece_at_a_seam_yields_to_the_whole_object_even_with_a_better_score():
    whole = (0.5, 1, 46, 10, 70, 40)
    piece = (0.875, 1, 46, 10, 56, 40)
    assert merged(part(WHOLE), part(LEFT, piece), part(RIGHT, whole)) == [whole]


def test_piece_of_which_less_than_half_is_covered_is_an_object_of_its_own():
    whole = (0.5, 1, 52, 10, 70, 40)
    piece = (0.875, 1, 36, 10, 56, 40)  # 4 of its 20 pixels lie on the other
    assert merged(part(WHOLE), part(LEFT, piece), part(RIGHT, whole)) == [piece, whole]


def test_two_pieces_at_one_seam_become_the_box_around_both():
    left, right = (0.75, 1, 38, 10, 56, 40), (0.5, 1, 44, 12, 62, 42)
    assert merged(part(WHOLE), part(LEFT, left), part(RIGHT, right)) == [(0.75, 1, 38, 10, 62, 42)]


def test_box_at_the_border_of_the_frame_is_not_cut():
    at_border = part(LEFT, (0.5, 1, 0, 0, 20, 60), (0.5, 1, 30, 0, 56, 60))
    assert at_border.is_cut(SIZE).tolist() == [False, True]
    everywhere = part(WHOLE, (0.5, 1, 0, 0, 100, 60))
    assert everywhere.is_cut(SIZE).tolist() == [False]


def test_best_come_first_and_no_more_than_asked():
    found = [(0.25, 1, 0, 0, 5, 5), (0.75, 1, 10, 0, 15, 5)]
    assert merged(part(WHOLE, *found), part(LEFT, (0.5, 1, 30, 0, 35, 5)), most=2) == [
        (0.75, 1, 10, 0, 15, 5),
        (0.5, 1, 30, 0, 35, 5),
    ]
    assert merged(part(WHOLE), part(LEFT)) == []


coordinate = st.integers(0, 50)
rows = st.lists(
    st.tuples(
        st.sampled_from([0.25, 0.5, 0.75]), st.integers(0, 1), coordinate, coordinate, coordinate
    ).map(lambda row: (row[0], row[1], row[2], row[3], row[2] + row[4], row[3] + 9)),
    max_size=6,
)


@settings(max_examples=40)
@given(rows, rows)
def test_merging_invents_neither_score_nor_class_and_keeps_the_best(whole, tile):
    found = merged(part(WHOLE, *whole), part(LEFT, *tile))
    given_pairs = [item[:2] for item in (*whole, *tile)]
    pairs = [item[:2] for item in found]
    assert all(pairs.count(pair) <= given_pairs.count(pair) for pair in pairs)
    assert [score for score, _ in pairs] == sorted((score for score, _ in pairs), reverse=True)
    for class_id in (0, 1):
        assert (class_id in {item[1] for item in found}) == (
            class_id in {pair[1] for pair in given_pairs}
        )
