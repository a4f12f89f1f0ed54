from __future__ import annotations

import math

import numpy as np
import pytest

from device.pipeline import meters
from device.pipeline.meters import LoadMeter, RateMeter, StageMeter


def stamped(*times_s: float) -> RateMeter:
    meter = RateMeter()
    for time_s in times_s:
        meter.stamp(time_s)
    return meter


@pytest.mark.parametrize("times_s", [(), (5.0,), (5.0, 5.0)])
def test_rate_without_a_lasting_interval_is_zero(times_s):
    meter = stamped(*times_s)
    assert (meter.fps, meter.recent_fps, meter.stamps) == (0.0, 0.0, len(times_s))


def test_five_stamps_make_four_intervals():
    meter = stamped(10.0, 10.25, 10.5, 10.75, 11.0)
    assert meter.stamps == 5
    assert meter.fps == 4.0
    assert meter.recent_fps == 4.0


def test_rate_of_the_whole_run_is_of_uneven_intervals_too():
    assert stamped(0.0, 0.5, 2.0).fps == 1.0


def test_recent_rate_follows_a_change_that_the_mean_still_hides():
    meter = stamped(*np.arange(0, 100, 0.1), *np.arange(100, 103, 0.05))
    assert meter.fps == pytest.approx(10.3, abs=0.1)
    assert meter.recent_fps == pytest.approx(20, rel=0.05)


def test_quantile_before_the_first_frame_is_not_a_number():
    assert math.isnan(StageMeter(("a",)).quantile("a", 0.5))


def test_quantiles_are_those_of_each_stage():
    meter = StageMeter(("a", "b"))
    for value in (4.0, 1.0, 3.0, 2.0, 5.0):
        meter.add({"b": 10 * value, "a": value})
    assert [meter.quantile("a", fraction) for fraction in (0, 0.5, 0.75, 1)] == [1, 3, 4, 5]
    assert meter.quantile("b", 0.5) == 30


def test_oldest_frames_leave_the_window(monkeypatch):
    monkeypatch.setattr(meters, "WINDOW", 4)
    meter = StageMeter(("a",))
    for value in range(6):
        meter.add({"a": value})
    assert [meter.quantile("a", fraction) for fraction in (0, 1)] == [2, 5]


def test_stage_that_was_not_measured_is_refused():
    with pytest.raises(KeyError):
        StageMeter(("a", "b")).add({"a": 1.0})


def test_load_is_looked_at_twice_a_second(monkeypatch):
    clock = {"monotonic": 10.0, "process_time": 1.0}
    for name in clock:
        monkeypatch.setattr(meters.time, name, lambda name=name: clock[name])
    memory = iter([50.0, 60.0])
    monkeypatch.setattr(meters, "rss_mb", lambda: next(memory))
    meter = LoadMeter()
    clock.update(monotonic=10.4, process_time=1.4)
    meter.update(10.4)
    assert (meter.rss_mb, meter.cpu_percent) == (50.0, 0.0)
    clock.update(monotonic=10.5, process_time=1.75)
    meter.update(10.5)
    assert (meter.rss_mb, meter.cpu_percent) == (60.0, 150.0)
    assert meter.mean_cpu_percent == 150.0
    clock.update(monotonic=11.5)
    assert meter.mean_cpu_percent == 50.0
