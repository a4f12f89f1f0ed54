from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drawing.label_layout import MOST_HIDDEN, place_labels

PICTURE = 200, 100
ENOUGH = 1e9
LABEL = 40, 10


def place(*boxes, sizes=None, picture=PICTURE, most_area=ENOUGH):
    return place_labels(boxes, sizes or [LABEL] * len(boxes), picture, most_area)


def shared(one, other) -> int:
    """The pixels that two rectangles share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        pytest.param((50, 30, 120, 80), (50, 20), id="above"),
        pytest.param((50, 5, 120, 80), (50, 80), id="below, above it there is no room"),
        pytest.param((0, 0, 200, 100), (0, 0), id="inside, the box fills the picture"),
        pytest.param((180, 30, 195, 80), (160, 20), id="moved back into the picture"),
    ],
)
def test_label_of_one_box_is_where_it_is_expected(box, corner):
    assert place(box) == [corner]


def test_second_of_two_equal_boxes_has_its_label_at_the_other_end():
    assert place((50, 30, 150, 80), (50, 30, 150, 80)) == [(50, 20), (110, 20)]


def test_label_goes_below_where_above_it_would_hide_another_object():
    # Above the lower box lies the upper one, of 400 pixels: a label would hide half of it.
    assert place((50, 50, 90, 80), (50, 40, 90, 50)) == [(50, 80), (50, 30)]


def test_label_hides_a_little_of_a_large_object_rather_than_much_of_a_small_one():
    large, small = (10, 10, 190, 90), (60, 40, 100, 60)
    assert place(small, large) == [(60, 30), (10, 0)]


def test_label_stays_at_its_box_rather_than_beside_a_gap():
    # Around the first box all is taken by one object, of which a label hides 400 of 20,000 pixels.
    assert place((80, 40, 120, 60), (0, 0, 200, 100))[0] == (80, 30)


def test_box_smaller_than_its_label_is_high_has_none():
    assert place((50, 50, 58, 59)) == [None]
    assert place((50, 50, 58, 60)) == [(50, 40)], "one side suffices"


def test_label_wider_or_higher_than_the_picture_is_left_away():
    assert place((0, 0, 30, 90), sizes=[(201, 10)]) == [None]
    assert place((0, 0, 90, 101), sizes=[(20, 101)], picture=(200, 100)) == [None]


def test_labels_end_where_their_area_is_used_up():
    boxes = [(10, 40, 50, 80), (110, 40, 150, 80)]
    assert place(*boxes, most_area=799) == [(10, 30), None]
    assert place(*boxes, most_area=800) == [(10, 30), (110, 30)]


def test_label_that_could_only_hide_other_objects_is_left_away():
    # Two rows of small objects around a small one: each place hides at least half of one.
    around = [(x, y, x + 40, y + 10) for x in (10, 50, 90) for y in (30, 40, 50, 60, 70)]
    box = (50, 50, 90, 60)
    around.remove(box)
    assert place(box, *around)[0] is None


sides = st.integers(0, 60)
rectangles = st.builds(
    lambda x, y, w, h: (min(x, 99), min(y, 99), min(x + w + 1, 100), min(y + h + 1, 100)),
    st.integers(0, 99),
    st.integers(0, 99),
    sides,
    sides,
)


@given(st.lists(st.tuples(rectangles, st.tuples(st.integers(1, 40), st.integers(1, 20)))))
def test_labels_never_hide_each_other_or_much_of_an_object_or_leave_the_picture(items):
    boxes, sizes = [box for box, _ in items], [size for _, size in items]
    corners = place_labels(boxes, sizes, (100, 100), 2_000)
    assert len(corners) == len(boxes)
    labels = [
        (corner[0], corner[1], corner[0] + width, corner[1] + height)
        for corner, (width, height) in zip(corners, sizes, strict=True)
        if corner is not None
    ]
    assert all(shared(one, other) == 0 for one, other in itertools.combinations(labels, 2))
    for label in labels:
        assert min(label) >= 0
        assert max(label) <= 100
        for box in boxes:
            area = (box[2] - box[0]) * (box[3] - box[1])
            assert shared(label, box) <= MOST_HIDDEN * area
    assert sum((right - left) * (low - top) for left, top, right, low in labels) <= 2_000
