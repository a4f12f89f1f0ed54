"""Event clips: videos of what was seen, with pre-roll from a ring buffer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from device.errors import SinkError
from device.images import encode_jpeg
from device.outputs.base import Sink
from device.outputs.file_names import event_name
from device.outputs.pace import Pace
from device.outputs.segments import VideoSeries
from device.records import Frame, Outcome, Pixels
from device.system.console import say

BEFORE_S = 3.0  # what a clip shows of the time before
BEFORE_BYTES = 16 << 20  # and what that may take in memory
CATCH_UP = 2  # held frames that are written for each new one: a burst would stall the run
MAX_CLIP_S = 300.0
# Between two pictures of a clip, at least: of a camera's 30 a second it has 15, of 25 12.5. Frames
# of no usual rate are just this far apart: a camera's jitter does not change which are taken.
GAP_S = 0.055


@dataclass(frozen=True, slots=True)
class _Held:
    at_s: float
    jpeg: bytes

    @property
    def image(self) -> Pixels:
        pixels = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(pixels, np.uint8)


class ClipSink(Sink):
    """A recorder of clips ``LABEL-20261121T143000Z.mp4``, of a named run ``NAME-LABEL-...``.

    Each begins three seconds before one of ``labels`` was seen, and ends ``after_s`` seconds after
    the last time; of a very long one the next goes on. Of frames that follow each other within
    ``GAP_S`` some are left out. The pre-roll is held in memory, as JPEG. A clip that cannot be
    written is told of once and given up: the run goes on, and so do later clips.
    """

    def __init__(
        self,
        folder: Path,
        labels: Sequence[str],
        after_s: float,
        pace: Pace,
        quota_bytes: int | None = None,
        run_name: str = "",
        *,
        local_time: bool = False,
    ) -> None:
        self._labels = labels
        self._run_name = run_name
        self._after_s = after_s
        self._pace = pace
        names = [event_name(label, run_name) for label in labels]
        shown = replace(pace, fps=pace.fps / math.ceil(pace.fps * GAP_S))
        self._series = VideoSeries(
            folder, names, ".mp4", shown, MAX_CLIP_S, quota_bytes, local_time=local_time
        )
        self._held: deque[_Held] = deque()
        self._held_bytes = 0
        self._name = ""
        self._until_s: float | None = None  # of the clip under way
        self._shown_at_s = -math.inf  # the last frame that was held or written
        self._told = False

    def path(self) -> Path | None:
        """The name that the clip under way will have; None where none is."""
        return self._series.path

    def path_for(self, label: str) -> Path | None:
        """The name that the clip under way will have, if it is one of ``label``'s."""
        return self._series.path if label in self._labels else None

    def needs_image(self, frame: Frame) -> bool:
        """Whether ``frame`` is far enough from the last one that a clip shows."""
        # A source whose time begins anew has gone back.
        return not 0 <= self._pace.at_s(frame) - self._shown_at_s < GAP_S

    def write(self, outcome: Outcome) -> None:
        """Hold the frame, or write it to the clip that it belongs to; begin one if it is time."""
        at_s = self._pace.at_s(outcome.frame)
        is_shown = self.needs_image(outcome.frame)
        while self._until_s is None and self._held and self._is_too_much(at_s):
            self._take()
        item = outcome.result.best_of(self._labels)
        if item is not None:
            if self._until_s is None:
                self._name = event_name(item.label, self._run_name)
            self._until_s = at_s + self._after_s
        if not is_shown:
            if self._until_s is not None and self._series.path is None:
                self._catch_up(CATCH_UP)  # who is told of this frame is told of the clip
            return
        assert outcome.image is not None
        self._shown_at_s = at_s
        if self._until_s is not None and at_s <= self._until_s and not self._held:
            self._record(outcome.image, at_s)
            return
        held = _Held(at_s, encode_jpeg(outcome.image))
        self._held.append(held)
        self._held_bytes += len(held.jpeg)
        if self._until_s is not None:
            self._catch_up(CATCH_UP)

    def _is_too_much(self, now_s: float) -> bool:
        return now_s - self._held[0].at_s > BEFORE_S or self._held_bytes > BEFORE_BYTES

    def _take(self) -> _Held:
        held = self._held.popleft()
        self._held_bytes -= len(held.jpeg)
        return held

    def _catch_up(self, frames: int) -> None:
        """Write the oldest held frames, up to the end of the clip."""
        for _ in range(min(frames, len(self._held))):
            if self._until_s is None:  # it failed
                return
            if self._held[0].at_s > self._until_s:
                self._finish()
                return
            held = self._take()
            self._record(held.image, held.at_s)

    def _record(self, image: Pixels, at_s: float) -> None:
        try:
            self._series.write(self._name, image, at_s)
        except SinkError as exc:
            self._tell(exc)
            self._finish()

    def _finish(self) -> None:
        self._until_s = None
        try:
            self._series.close()
        except SinkError as exc:
            self._tell(exc)

    def _tell(self, exc: SinkError) -> None:
        if not self._told:
            say(f"a clip is lost, the run goes on: {exc}")
        self._told = True

    def close(self) -> None:
        """Finish the clip under way."""
        self._catch_up(len(self._held))
        self._held.clear()
        self._finish()
