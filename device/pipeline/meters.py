"""Meters of a run: frame rate, stage times, memory and processor."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from device.system.resource_usage import rss_mb

WINDOW = 10_000  # frames that percentiles are taken over: bounds the memory of a run of a year


class RateMeter:
    """A meter of frames per second: N stamps make N - 1 intervals."""

    def __init__(self) -> None:
        self.stamps = 0
        self._first_s = 0.0
        self._last_s = 0.0
        self._recent = 0.0

    def stamp(self, now_s: float) -> None:
        """Note that a frame was finished at ``now_s`` (monotonic seconds)."""
        if self.stamps == 0:
            self._first_s = now_s
        else:
            interval_s = now_s - self._last_s
            # About the last second's worth of frames count for the recent rate.
            weight = 1.0 if self._recent == 0.0 else min(1.0, max(interval_s, 0.02))
            self._recent += weight * (interval_s - self._recent)
        self._last_s = now_s
        self.stamps += 1

    @property
    def fps(self) -> float:
        """The mean rate over the whole run; 0 before the second stamp."""
        elapsed_s = self._last_s - self._first_s
        return (self.stamps - 1) / elapsed_s if elapsed_s > 0 else 0.0

    @property
    def recent_fps(self) -> float:
        """The rate over about the last second; 0 before the second stamp."""
        return 1 / self._recent if self._recent > 0 else 0.0


class StageMeter:
    """A meter of milliseconds per stage, over the last ``WINDOW`` frames."""

    def __init__(self, stages: tuple[str, ...]) -> None:
        self.stages = stages
        self._times_ms = np.empty((WINDOW, len(stages)), np.float32)
        self._count = 0

    def add(self, times_ms: Mapping[str, float]) -> None:
        """Note one frame; ``times_ms`` has every stage."""
        self._times_ms[self._count % WINDOW] = [times_ms[stage] for stage in self.stages]
        self._count += 1

    def quantile(self, stage: str, fraction: float) -> float:
        """The quantile of a stage in milliseconds; NaN before the first frame."""
        times_ms = self._times_ms[: min(self._count, WINDOW), self.stages.index(stage)]
        return float(np.quantile(times_ms, fraction)) if len(times_ms) else float("nan")


class LoadMeter:
    """A meter of memory and processor use, read no more than twice a second."""

    INTERVAL_S = 0.5

    def __init__(self) -> None:
        self._started_s = self._looked_at_s = time.monotonic()
        self._started_cpu_s = self._looked_at_cpu_s = time.process_time()
        self.rss_mb = rss_mb()
        self.cpu_percent = 0.0  # of one core: 200 is two cores busy

    def update(self, now_s: float) -> None:
        """Look again if the last look is old enough."""
        elapsed_s = now_s - self._looked_at_s
        if elapsed_s < self.INTERVAL_S:
            return
        cpu_s = time.process_time()
        self.cpu_percent = 100 * (cpu_s - self._looked_at_cpu_s) / elapsed_s
        self.rss_mb = rss_mb()
        self._looked_at_s, self._looked_at_cpu_s = now_s, cpu_s

    @property
    def mean_cpu_percent(self) -> float:
        """The processor use since the start, in percent of one core."""
        elapsed_s = time.monotonic() - self._started_s
        return 100 * (time.process_time() - self._started_cpu_s) / elapsed_s if elapsed_s else 0.0
