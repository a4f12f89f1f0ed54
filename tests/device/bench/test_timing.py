from __future__ import annotations

import pytest

from device.bench import timing
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


class Clock:
    """A clock of its own time, of which reading it takes 50 ns."""

    now_ns = 0

    def perf_counter_ns(self) -> int:
        self.now_ns += 50
        return self.now_ns

    def spend(self, time_ms: float) -> None:
        self.now_ns += round(time_ms * 1e6)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_calls_go_on_until_the_least_time_is_reached(clock):
    # The fourth ends at 8 ms and 400 ns of reading, the third before 7.
    assert time_calls(lambda: clock.spend(2), 1, 0.007) == [pytest.approx(2.00005)] * 4


def test_time_is_that_of_the_call_and_not_of_its_neighbours(clock):
    spent_ms = iter([1, 30, 2])
    times_ms = time_calls(lambda: clock.spend(next(spent_ms)), 3, 0.0)
    assert times_ms == pytest.approx([1.00005, 30.00005, 2.00005])


def test_cost_of_timing_is_that_of_the_clock_alone(clock):
    assert timing_cost_ms() == pytest.approx(50e-6)
    assert clock.now_ns > 1000 * 50, "it was taken from many calls"


def test_clock_of_this_machine_costs_something():
    assert timing_cost_ms() > 0


def test_error_of_a_call_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        time_calls(lambda: 1 / 0, 1, 0.0)
