"""The pace of a video: at which rate frames are shown again."""

from __future__ import annotations

from dataclasses import dataclass

from device.cameras.base import Camera
from device.records import Frame

DEFAULT_FPS = 10.0  # of a video made from a source without a rate of its own


@dataclass(frozen=True, slots=True)
class Pace:
    """When the frames of a source are to be shown."""

    fps: float  # of a live source only about
    live: bool = False

    @classmethod
    def of(cls, camera: Camera) -> Pace:
        """The pace of what ``camera`` shows."""
        return cls(camera.fps or DEFAULT_FPS, camera.live)

    def at_s(self, frame: Frame) -> float:
        """Seconds on a clock of the source's own: a camera's is the monotonic one."""
        return frame.captured_at_s if self.live else frame.index / self.fps
