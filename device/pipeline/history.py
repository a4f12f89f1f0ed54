"""Run history: figures second by second, which the live page draws and Prometheus collects."""

from __future__ import annotations

import threading
import time
from collections import deque

import msgspec

from device.records import Outcome, SceneState

KEPT_SECONDS = 180
STALE_AFTER_S = 3.0  # without a frame, beyond three times what frames take


class Second(msgspec.Struct, frozen=True):
    """The figures of one second of a run; without a frame the times are None."""

    fps: float
    invoke_ms: float | None  # mean
    invoke_max_ms: float | None
    age_ms: float | None  # from the end of capture to the end of drawing, mean
    age_max_ms: float | None


class FrameFlow:
    """Whether frames flow: as little of a history as can be noted in no time."""

    def __init__(self) -> None:
        self.frames = 0
        self._last_frame_s = time.monotonic()
        self._fps = 0.0

    def add(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.frames += 1
        self._last_frame_s = outcome.finished_at_s
        self._fps = outcome.fps

    def ailment(self) -> str | None:
        """Why this run is not well; None while frames really flow."""
        waited_s = time.monotonic() - self._last_frame_s
        usual_s = 1 / self._fps if self._fps else 0.0
        if self.frames == 0:
            return f"no frame yet, {waited_s:.0f} s after the start"
        if waited_s > STALE_AFTER_S + 3 * usual_s:
            return f"no frame for {waited_s:.0f} s"
        return None


class History(FrameFlow):
    """A ring buffer of seconds, and sums over the whole run; one thread adds, another asks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: deque[Second] = deque(maxlen=KEPT_SECONDS)
        self.scene: SceneState | None = None  # of the newest frame, in a run that follows objects
        self.frame_ms = {"capture": 0.0, "preprocess": 0.0, "invoke": 0.0, "decode": 0.0}
        self.frame_ms |= {"draw": 0.0, "age": 0.0}  # sums over all frames
        self._lock = threading.Lock()
        self._invoke_ms: list[float] = []
        self._age_ms: list[float] = []
        self._began_s = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Note one frame."""
        timings, age_ms = outcome.result.timings, outcome.frame_age_ms
        with self._lock:
            super().add(outcome)
            self.scene = outcome.result.scene
            sums = self.frame_ms
            sums["capture"] += timings.capture_ms
            sums["preprocess"] += timings.preprocess_ms
            sums["invoke"] += timings.invoke_ms
            sums["decode"] += timings.decode_ms
            sums["draw"] += outcome.draw_ms
            sums["age"] += age_ms
            if not outcome.result.kept:
                self._invoke_ms.append(timings.invoke_ms)
            self._age_ms.append(age_ms)

    def end_second(self) -> Second:
        """Sum up what came since the last call."""
        now_s = time.monotonic()
        with self._lock:
            invoke_ms, self._invoke_ms = self._invoke_ms, []
            age_ms, self._age_ms = self._age_ms, []
            elapsed_s, self._began_s = now_s - self._began_s, now_s
        invoke_mean, invoke_max = _mean_and_max(invoke_ms)
        age_mean, age_max = _mean_and_max(age_ms)
        fps = round(len(age_ms) / elapsed_s, 2) if elapsed_s > 0 else 0.0
        second = Second(fps, invoke_mean, invoke_max, age_mean, age_max)
        self.seconds.append(second)
        return second


def _mean_and_max(values: list[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    return round(sum(values) / len(values), 2), round(max(values), 2)
