from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.inference.boxes import iou, pairwise_iou, share_on


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


def test_overlaps_of_every_pair_by_hand():
    ones = np.array([[0.0, 0.0, 10.0, 10.0]])
    others = np.array([[5.0, 0.0, 15.0, 10.0], [20.0, 20.0, 30.0, 30.0], [0.0, 0.0, 10.0, 10.0]])
    np.testing.assert_allclose(pairwise_iou(ones, others), [[50 / 150, 0.0, 1.0]])


@given(st.lists(BOXES, max_size=4), st.lists(BOXES, max_size=4))
def test_overlaps_are_those_of_every_pair(ones, others):
    found = pairwise_iou(np.array(ones).reshape(-1, 4), np.array(others).reshape(-1, 4))
    assert found.shape == (len(ones), len(others))
    for row, column in itertools.product(range(len(ones)), range(len(others))):
        assert found[row, column] == pytest.approx(iou(ones[row], others[column]), abs=1e-9)


@pytest.mark.parametrize(
    ("other", "share"),
    [
        ((0, 0, 10, 20), 1.0),
        ((-5, -5, 5, 25), 0.5),
        ((5, 10, 30, 30), 0.25),
        ((10, 0, 20, 20), 0.0),
        ((30, 30, 40, 40), 0.0),
    ],
)
def test_share_of_a_box_that_lies_on_another(other, share):
    assert share_on((0, 0, 10, 20), other) == share


def test_box_without_an_area_lies_on_nothing():
    assert share_on((5, 5, 5, 9), (0, 0, 10, 10)) == 0.0
