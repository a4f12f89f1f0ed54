from __future__ import annotations

import math
import resource
import subprocess
import sys

import numpy as np
import pytest

from device.pipeline import meters
from device.pipeline.meters import LoadMeter, RateMeter, StageMeter
from device.system.resource_usage import peak_rss_mb, rss_mb
from tests.conftest import ROOT


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


def test_memory_is_about_what_the_system_says():
    peak = peak_rss_mb()
    assert 10 < rss_mb() <= max(peak, peak_rss_mb()) * 1.01
    assert peak <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6 * 1.05


def test_memory_that_was_given_back_still_counts_for_the_peak():
    code = (
        "from device.system.resource_usage import *; before = rss_mb();"
        "x = b'x' * 200_000_000; del x;"
        "print(rss_mb() - before, peak_rss_mb() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    now, peak = map(float, done.stdout.split())
    assert now < 50
    assert 190 < peak < 250


def test_peak_is_of_this_process_not_of_the_one_that_started_it():
    code = """
import subprocess, sys
ballast = b"x" * 300_000_000
code = "from device.system.resource_usage import *; print(peak_rss_mb())"
subprocess.run([sys.executable, "-c", code])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100


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


def test_proportional_memory_counts_what_is_shared_in_part():
    # Two processes that map the same 40 MB: half of it belongs to each.
    script = """
import mmap, os, signal
from device.system.resource_usage import pss_mb, rss_mb
shared = mmap.mmap(-1, 40_000_000)
shared.write(bytes(40_000_000))
alone = pss_mb()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    shared[:]
    os.write(writing, b"x")
    signal.pause()
os.read(reading, 1)
print(alone - pss_mb(), alone <= rss_mb() * 1.01)
os.kill(child, signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    given_up_mb, less_than_resident = done.stdout.split()
    assert float(given_up_mb) >= 19
    assert less_than_resident == "True"
