from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from device.tracking.association import assign


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
