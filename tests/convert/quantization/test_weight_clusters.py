from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.quantization.weight_clusters import cluster_centres, nearest_centre

ONE = np.ones(1)


def centres_of(steps, count, sizes=ONE):
    return cluster_centres(np.array(steps, np.int8), np.asarray(sizes, np.float64), count).tolist()


def test_two_heaps_become_their_means():
    assert centres_of([-100, -98, -96, 10, 20], 2) == [-98, 15]


def test_weight_of_large_steps_counts_by_their_square():
    # Worth 9 and 1: (9 * 10 + 1 * 20) / 10 = 11.
    assert centres_of([10, 20], 1, [3.0, 1.0]) == [11]


def test_values_that_are_few_already_stay():
    assert centres_of([5, -5, 5, 0], 3) == [-5, 0, 5]


def test_scale_of_a_channel_is_its_weights():
    steps = np.array([[10, 10], [20, 20]], np.int8)
    assert cluster_centres(steps, np.array([[3.0], [1.0]]), 1).tolist() == [11]


def test_channel_without_steps_does_no_harm():
    steps = np.array([[-3, 7, 9], [10, 20, 30]], np.int8)
    centres = cluster_centres(steps, np.array([[0.0], [1.0]]), 3)
    assert centres.tolist() == [10, 20, 30]
    assert len(cluster_centres(steps, np.zeros((2, 1)), 3)) == 3


def test_weights_go_to_the_nearest_centre():
    centres = np.array([-98, 15, 40], np.int8)
    values = np.array([-128, -42, -41, 27, 28, 127], np.int8)
    assert nearest_centre(values, centres).tolist() == [-98, -98, 15, 15, 40, 40]


@settings(max_examples=60)
@given(st.lists(st.integers(-127, 127), min_size=1, max_size=9), st.integers(1, 4))
def test_no_other_centres_have_a_smaller_error(steps, count):
    """Against all ways to cut the sorted values into so many stretches, rounding of means apart."""
    values = np.array(sorted(set(steps)), np.float64)
    weights = np.array([steps.count(value) for value in values], np.float64)

    def error(cuts):
        edges = [0, *cuts, len(values)]
        total = 0.0
        for start, end in itertools.pairwise(edges):
            part, weight = values[start:end], weights[start:end]
            total += (weight * np.square(part - np.average(part, weights=weight))).sum()
        return total

    most = min(count, len(values)) - 1
    best = min(error(cuts) for cuts in itertools.combinations(range(1, len(values)), most))
    centres = np.array(centres_of(steps, count), np.int8)
    assert len(centres) <= count
    found = np.square(np.array(steps) - nearest_centre(np.array(steps, np.int8), centres)).sum()
    assert found <= best + 0.25 * len(steps) + 1e-9  # means are rounded to whole steps
