from __future__ import annotations

import pytest

from convert.training.schedule import (
    EMA_DECAY,
    LAST_RATE,
    PEAK_RATE,
    WARM_UP_STEPS,
    Budget,
    ema_decay,
    learning_rate,
)


def test_budget_of_steps_does_not_look_at_the_clock():
    assert Budget(steps=200).progress(50, 1e9) == 0.25


def test_budget_of_seconds_does_not_count_steps():
    assert Budget(seconds=60).progress(10**6, 15) == 0.25


@pytest.mark.parametrize(("step", "elapsed_s"), [(50, 6), (5, 15)])
def test_budget_of_both_is_used_up_by_what_ends_first(step, elapsed_s):
    assert Budget(steps=200, seconds=60).progress(step, elapsed_s) == 0.25


def test_progress_ends_at_one():
    assert Budget(seconds=60).progress(0, 90) == 1
    assert Budget(steps=10).progress(11, 0) == 1


def test_rate_rises_to_its_peak_and_falls_to_a_hundredth():
    assert learning_rate(0, 0) == pytest.approx(PEAK_RATE / WARM_UP_STEPS)
    assert learning_rate(WARM_UP_STEPS, 0) == pytest.approx(PEAK_RATE)
    # Half of the time is left: a quarter of the way between the last rate and the peak.
    assert learning_rate(500, 0.5) == pytest.approx(PEAK_RATE * (0.25 + 0.75 * LAST_RATE))
    assert learning_rate(1000, 1) == pytest.approx(PEAK_RATE * LAST_RATE)


def test_average_follows_at_first_and_is_slow_later():
    assert ema_decay(0) == 0.1
    assert ema_decay(90) == 0.91
    assert ema_decay(10**6) == EMA_DECAY
