from __future__ import annotations

import time

import pytest

from device.bench.timing import TimingSummary, summarise, time_calls, timing_cost_ms


def test_figures_of_four_times_are_those_computed_by_hand():
    # Mean 4; squares of the differences 9, 4, 1, 36 sum to 50, over 3.
    # Sorted 1, 2, 3, 10: the quantile q lies at 3 q; 0.9 at 2.7, 0.99 at 2.97.
    assert summarise([1, 10, 2, 3]) == TimingSummary(
        count=4,
        mean_ms=4.0,
        median_ms=2.5,
        p90_ms=7.9,
        p99_ms=9.79,
        std_ms=4.0825,
        min_ms=1.0,
        max_ms=10.0,
    )


def test_single_time_has_no_deviation():
    assert summarise([3.0]).std_ms == 0


def test_calls_go_on_until_the_least_number_is_reached():
    calls = []
    assert len(time_calls(lambda: calls.append(1), 7, 0.0)) == 7
    assert len(calls) == 7


def test_calls_go_on_until_the_least_time_is_reached():
    started = time.perf_counter()
    times_ms = time_calls(lambda: time.sleep(0.001), 1, 0.05)
    assert time.perf_counter() - started >= 0.05
    assert len(times_ms) > 1
    assert min(times_ms) >= 1.0


def test_time_is_that_of_the_call_and_not_of_its_neighbours():
    naps_s = iter([0.001, 0.03, 0.001])
    times_ms = time_calls(lambda: time.sleep(next(naps_s)), 3, 0.0)
    assert max(range(3), key=times_ms.__getitem__) == 1
    assert times_ms[1] >= 30


def test_cost_of_timing_is_that_of_the_clock_alone():
    # Two readings of a clock: a thousandth of the fastest invoke there is.
    assert 0 < timing_cost_ms() < 0.01


def test_error_of_a_call_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        time_calls(lambda: 1 / 0, 1, 0.0)
