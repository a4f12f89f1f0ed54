from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.inference.boxes import iou


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 0, 3, 2), 2 / 6),  # half of each is shared: 2 of 4 + 4 - 2
        ((0, 0, 4, 4), (1, 1, 3, 3), 4 / 16),  # one within the other
        ((0, 0, 1, 1), (1, 0, 2, 1), 0.0),  # they touch
        ((0, 0, 1, 1), (5, 5, 6, 6), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),  # no area at all
        ((2, 2, 1, 1), (0, 0, 3, 3), 0.0),  # its corners the wrong way round
    ],
)
def test_overlap_by_hand(one, other, expected):
    assert iou(one, other) == pytest.approx(expected)


SIDES = st.tuples(*[st.floats(-100, 100, width=16)] * 4)
BOXES = SIDES.map(lambda s: (min(s[0], s[2]), min(s[1], s[3]), max(s[0], s[2]), max(s[1], s[3])))


@given(one=BOXES, other=BOXES)
def test_overlap_is_the_same_both_ways_and_never_more_than_all(one, other):
    assert iou(one, other) == iou(other, one)
    assert 0.0 <= iou(one, other) <= 1.0 + 1e-9
