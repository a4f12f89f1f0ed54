from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from device.inference.boxes import iou
from device.tracking.association import assign, overlaps

corner = st.floats(0, 100)
box = st.builds(
    lambda x, y, width, height: (x, y, x + width, y + height), corner, corner, corner, corner
)


def test_overlap_of_boxes_by_hand():
    ones = np.array([[0.0, 0.0, 10.0, 10.0]])
    others = np.array([[5.0, 0.0, 15.0, 10.0], [20.0, 20.0, 30.0, 30.0], [0.0, 0.0, 10.0, 10.0]])
    np.testing.assert_allclose(overlaps(ones, others), [[50 / 150, 0.0, 1.0]])


@given(st.lists(box, max_size=4), st.lists(box, max_size=4))
def test_overlaps_are_those_of_every_pair(ones, others):
    found = overlaps(np.array(ones).reshape(-1, 4), np.array(others).reshape(-1, 4))
    assert found.shape == (len(ones), len(others))
    for row, column in itertools.product(range(len(ones)), range(len(others))):
        assert found[row, column] == pytest.approx(iou(ones[row], others[column]), abs=1e-9)


@given(
    arrays.arrays(float, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.floats(0, 1))
)
def test_assignment_is_the_best_of_all(similarity):
    """Against trying all: no other pairs that are alike enough have more similarity in sum."""
    least = 0.3
    rows, columns = assign(similarity, least)
    assert len(set(rows)) == len(rows) == len(set(columns)) == len(columns)
    assert (similarity[rows, columns] >= least - 1e-9).all()

    def gain(pairs):  # what is left unpaired costs as much as the least that is allowed
        return sum(similarity[pair] - least for pair in pairs)

    best = max(
        gain(zip(some, order, strict=True))
        for size in range(min(similarity.shape) + 1)
        for some in itertools.combinations(range(similarity.shape[0]), size)
        for order in itertools.permutations(range(similarity.shape[1]), size)
    )
    assert gain(zip(rows, columns, strict=True)) == pytest.approx(best, abs=1e-6)
