"""Watching: the objects of a run followed, on the clock of its source."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from device.bundle.manifest import Threshold
from device.outputs.pace import Pace
from device.records import Frame, Result
from device.visits.plan import ScenePlan
from device.visits.watcher import SceneWatcher


class Watch:
    """A scene watcher on the clock of a run's source.

    Of a camera, times since 1970 are those of its frames; a file is taken as if it were played
    from the moment on when its first frame comes.
    """

    def __init__(
        self,
        watcher: SceneWatcher,
        pace: Pace,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watcher = watcher
        self._pace = pace
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._file_began_s: float | None = None
        self._threshold: Threshold | None = None
        self._next_plans: deque[ScenePlan] = deque()

    def take_plan(self, plan: ScenePlan) -> None:
        """Watch the places of ``plan`` from the next frame on; any thread may ask for it."""
        self._next_plans.append(plan)

    @property
    def unsure_from(self) -> float:
        """The least score of what may keep a track."""
        return self._watcher.tracker.low_score

    def update(
        self, result: Result, frame: Frame, threshold: Threshold, *, still: bool = False
    ) -> Result:
        """``result`` of ``frame`` with tracks, visits and the scene; see :class:`SceneWatcher`.

        ``threshold`` is the least score of what the network reports as found, or one per class id.
        """
        while self._next_plans:
            self._watcher.take_plan(self._next_plans.popleft())
        if threshold != self._threshold:
            self._threshold = threshold
            self._watcher.tracker.set_threshold(threshold)
        at_s = self._pace.at_s(frame)
        time_s = self._time_s(frame, at_s)
        return self._watcher.update(result, frame.size_wh, at_s, time_s, still=still)

    def _time_s(self, frame: Frame, at_s: float) -> float:
        if self._pace.live:
            return self._wall_s() - (self._monotonic_s() - frame.captured_at_s)
        if self._file_began_s is None:
            self._file_began_s = self._wall_s() - at_s
        return self._file_began_s + at_s
