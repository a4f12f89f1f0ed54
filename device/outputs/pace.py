"""Presentation times: when the frames of a source are to be shown again."""

from __future__ import annotations

from dataclasses import dataclass

from device.records import Frame

DEFAULT_FPS = 10.0  # of a video made from a source without a rate of its own


@dataclass(frozen=True, slots=True)
class Pace:
    """The presentation times of a source's frames."""

    fps: float  # of a live source only about
    live: bool = False

    @classmethod
    def of(cls, fps: float | None, *, live: bool) -> Pace:
        """The pace of a source at ``fps``; None where it has no rate of its own."""
        return cls(fps or DEFAULT_FPS, live)

    def at_s(self, frame: Frame) -> float:
        """When to show ``frame``: seconds on the source's own clock; a camera's is monotonic.

        A video's frames are shown at the distances that they have there.
        """
        if self.live:
            return frame.captured_at_s
        return frame.index / self.fps if frame.shown_at_s is None else frame.shown_at_s
