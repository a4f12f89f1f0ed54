"""The network's thread: it sees the frames of one camera, or of several in turn.

A camera's score is how long ago its last turn began, times its priority; of those that have a
frame, the one with the highest score comes next. So cameras of one priority are served in turn,
one of twice the priority about twice as often, and none starves: a wait only grows. A camera that
has no frame, or whose last ones still wait to be written, is passed over and costs the others
nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from device.pipeline.inference_stage import InferenceStage
from device.system.closable import Closable

CLOSE_TIMEOUT_S = 0.3  # for its thread to end


class InferenceThread(Closable):
    """The one thread that invokes: handing an interpreter from thread to thread takes time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells seconds."""
        self._clock = clock
        self._changed = threading.Event()
        self._stages: list[InferenceStage] = []
        self._last: InferenceStage | None = None  # to have a turn, if it has not handed on yet
        self._closed = False
        # A daemon: one that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._serve, name="network", daemon=True)
        self._thread.start()

    def add(self, stage: InferenceStage) -> None:
        """Serve ``stage`` from now on, until it has ended."""
        stage.captured.on_change = stage.inferred.on_change = self._changed.set
        self._stages.append(stage)
        self._changed.set()

    def close(self) -> None:
        """End once all stages have."""
        self._closed = True
        self._changed.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _serve(self) -> None:
        while True:
            self._changed.clear()  # what changes from here on is looked at in the next round
            self._let_go()
            if self._closed and not self._stages:
                return
            now_s = self._clock()
            ready = [stage for stage in self._stages if stage.is_ready]
            if ready:
                stage = max(ready, key=lambda stage: stage.score(now_s))
                # A frame is decoded only once the next is fitted: who decodes has Python's lock,
                # and would be waited for after each step. While the network computes it is not.
                stage.step(now_s, self._hand_on)
                self._last = stage
            elif self._last is not None:
                self._hand_on()
            else:
                self._changed.wait()

    def _hand_on(self) -> None:
        stage, self._last = self._last, None
        if stage is not None:
            stage.hand_on()

    def _let_go(self) -> None:
        """Serve those that have ended no more."""
        for stage in [stage for stage in self._stages if stage.has_ended]:
            self._stages.remove(stage)
            stage.left.set()
