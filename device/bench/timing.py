"""Timing of one call, again and again, and its summary in a few figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from device.schema import Record


class TimingSummary(Record, frozen=True):
    """A sample of times, in milliseconds. ``std_ms`` is 0 for a single one."""

    count: int
    mean_ms: float
    median_ms: float
    p90_ms: float
    p99_ms: float
    std_ms: float
    min_ms: float
    max_ms: float


def summarise(times_ms: Sequence[float]) -> TimingSummary:
    """The figures of ``times_ms``, which is not empty.

    Quantiles interpolate between neighbours (definition 7 of Hyndman and Fan, "Sample Quantiles
    in Statistical Packages", The American Statistician 50, 1996); the standard deviation is that
    of a sample, divided by count - 1.
    """
    values = np.asarray(times_ms, np.float64)
    median, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99))
    return TimingSummary(
        count=len(values),
        mean_ms=_rounded(values.mean()),
        median_ms=_rounded(median),
        p90_ms=_rounded(p90),
        p99_ms=_rounded(p99),
        std_ms=_rounded(values.std(ddof=1)) if len(values) > 1 else 0.0,
        min_ms=_rounded(values.min()),
        max_ms=_rounded(values.max()),
    )


def time_calls(call: Callable[[], object], min_count: int, min_time_s: float) -> list[float]:
    """Milliseconds of every call, until both a least number and a least time are reached.

    All that lies between two readings of the clock is the call.
    """
    clock = time.perf_counter_ns
    times_ns: list[int] = []
    end_ns = clock() + round(min_time_s * 1e9)
    while True:
        started = clock()
        call()
        ended = clock()
        times_ns.append(ended - started)
        if ended >= end_ns and len(times_ns) >= min_count:
            return [time_ns / 1e6 for time_ns in times_ns]


def timing_cost_ms(calls: int = 1001) -> float:
    """What :func:`time_calls` adds to the call it times: the median of timing one that is empty."""
    return float(np.median(time_calls(lambda: None, calls, 0.0)))


def _rounded(value_ms: float) -> float:
    """To 0.1 microseconds, a clock's own noise."""
    return round(float(value_ms), 4)
