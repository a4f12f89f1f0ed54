from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.tuning.drop_model import MeasuredDrop, expected_drops

REALS = st.floats(0.01, 10)


def test_without_noise_each_has_what_was_measured():
    measured = [MeasuredDrop(1.0, 0.5, 0.0), MeasuredDrop(2.0, 3.0, 0.0)]
    assert expected_drops(measured, 1.0) == pytest.approx([0.5, 3.0])


def test_lucky_drop_is_drawn_to_what_its_output_error_lets_expect():
    # Together 4 points for an output error of 4: a factor of 1. Their own share differs by 0.5
    # times that, their noise by as much: half of each counts.
    measured = [MeasuredDrop(1.0, 0.0, 0.5), MeasuredDrop(3.0, 4.0, 1.5)]
    assert expected_drops(measured, 1.0) == pytest.approx([0.5, 3.5])


def test_much_noise_leaves_only_the_trend():
    measured = [MeasuredDrop(0.1, -0.3, 1e6), MeasuredDrop(0.9, 2.3, 1e6)]
    assert expected_drops(measured, 1.0) == pytest.approx([0.2, 1.8])


def test_power_of_one_half_takes_square_roots():
    measured = [MeasuredDrop(0.04, 2.0, 1e6), MeasuredDrop(0.16, 4.0, 1e6)]
    assert expected_drops(measured, 0.5) == pytest.approx([2.0, 4.0])


def test_where_all_gained_nothing_is_expected_to_be_lost():
    assert expected_drops([MeasuredDrop(0.1, -0.5, 0.2), MeasuredDrop(0.2, -0.1, 0.2)], 1.0) == [
        0,
        0,
    ]


def test_float32_itself_loses_nothing():
    assert expected_drops([MeasuredDrop(0.0, 0.0, 0.0)], 1.0) == [0]


@given(st.lists(st.tuples(REALS, REALS, REALS), min_size=1), st.sampled_from([0.5, 1.0]))
def test_expectation_lies_between_the_trend_and_the_measurement(items, power):
    measured = [MeasuredDrop(*item) for item in items]
    factor = sum(m.drop for m in measured) / sum(m.output_error**power for m in measured)
    for item, expected in zip(measured, expected_drops(measured, power), strict=True):
        trend = factor * item.output_error**power
        assert min(trend, item.drop) - 1e-9 <= expected <= max(trend, item.drop) + 1e-9
