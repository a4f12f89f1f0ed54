"""Flicker: what a network finds, misses for a moment, and finds again in the same place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device.inference.boxes import MATCH_IOU, iou
from device.records import Detection, Frame, Outcome, Result

STEADY = 3  # frames in a row before a finding is one that should not be missed
GONE_S = 1.0  # what stays away longer has left


@dataclass(frozen=True, slots=True)
class MissedFrame:
    """A frame on which something was missed that was there before and after."""

    frame: Frame
    result: Result


@dataclass(slots=True)
class _Steady:
    found: Detection
    frames: int


class FlickerDetector:
    """A memory of what was found on the frames before, and of the last one that lacks some.

    Matches by class and overlap from frame to frame; objects that move on by half their size
    between two frames are new ones.
    """

    def __init__(self) -> None:
        self._steady: list[_Steady] = []
        self._missed: MissedFrame | None = None
        self._gone: list[Detection] = []
        self._missed_at_s = 0.0

    def missed(self, outcome: Outcome, at_s: float) -> MissedFrame | None:
        """The frame before on which something was missed, once ``outcome`` shows it again.

        ``at_s`` are seconds on the source's clock.
        """
        found = outcome.result.detections
        back = None
        if self._missed is not None:
            if at_s - self._missed_at_s > GONE_S:
                self._missed = None
            elif any(_match(item, found) is not None for item in self._gone):
                back, self._missed = self._missed, None
        gone = [
            item.found
            for item in self._steady
            if item.frames >= STEADY and _match(item.found, found) is None
        ]
        if gone and self._missed is None:
            frame = replace(outcome.frame, pixels=outcome.frame.pixels.copy(), lores=None)
            self._missed, self._missed_at_s = MissedFrame(frame, outcome.result), at_s
            self._gone = gone
        frames_before = {
            match: item.frames
            for item in self._steady
            if (match := _match(item.found, found)) is not None
        }
        self._steady = [_Steady(item, frames_before.get(item, 0) + 1) for item in found]
        return back


def _match(item: Detection, others: tuple[Detection, ...]) -> Detection | None:
    """The one of ``others`` that is the same object."""
    alike = (other for other in others if other.label == item.label)
    return next((other for other in alike if iou(item.box, other.box) >= MATCH_IOU), None)
