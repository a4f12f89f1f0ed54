"""Readers of video files, of which every frame is served with the time it is shown at."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot
from device.cameras.ffmpeg_options import one_thread
from device.errors import SourceError
from device.images import check_size
from device.orientation import Orientation

MOST_FPS = 240.0  # files without a rate of their own name that of a clock, such as 90,000
LONGEST_GAP_S = 3600.0  # between two frames; a longer one is a clock that was set
NO_STAMP_S = -1e12  # below it is FFmpeg's least integer, which stands for none
# Codecs that OpenCV's FFmpeg knows and decodes with no help but a graphics card's.
UNDECODED = {"av01": "AV1", "AV01": "AV1"}
RAW_FPS = 25.0  # of a stream without time stamps, unless --fps says otherwise, as FFmpeg has it


class PresentationClock:
    """The presentation times of a file's frames: they only go forward.

    A time stamp that is missing, goes back or leaps ahead, as where two recordings were joined,
    comes one frame after the last; those after it keep their distances.
    """

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._offset_s = 0.0
        self.last_s: float | None = None
        self.longest_s = frame_s  # between two frames

    def at_s(self, stamp_s: float) -> float:
        """When a frame is shown whose time stamp is ``stamp_s``, in seconds."""
        if not math.isfinite(stamp_s):
            stamp_s = 0.0
        if self.last_s is None:
            shown_s = stamp_s
        else:
            shown_s = stamp_s + self._offset_s
            if not self.last_s < shown_s <= self.last_s + LONGEST_GAP_S:
                shown_s = self.last_s + self._frame_s
                self._offset_s = shown_s - stamp_s
            self.longest_s = max(self.longest_s, shown_s - self.last_s)
        self.last_s = shown_s
        return shown_s


class VideoReader(Camera):
    """A video file, every frame of it, as fast as it can be decoded."""

    def __init__(self, path: Path, options: CameraOptions = DEFAULTS) -> None:
        """Raises ``SourceError`` for a file that is no video OpenCV can read."""
        super().__init__(options)
        self._path = path
        if path.exists() and not path.is_file():  # it would be waited for without end
            raise SourceError(f"{path}: no regular file, but a pipe or a device")
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, one_thread())
        if not self._capture.isOpened():
            raise SourceError(
                f"{path}: neither a picture nor a video that can be read; "
                "is it complete, and does it play elsewhere?"
            )
        if self._capture.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"ansi"):
            # FFmpeg plays any text as the screen of a terminal.
            raise SourceError(f"{path}: a text file, not a video")
        # Phones store videos as their sensor lies, with a rotation in the header, which one OpenCV
        # applies and another does not.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        turn = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        self._upright = Orientation.of(turn if turn % 90 == 0 else 0, None)
        width, height = (
            round(self._capture.get(side))
            for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        check_size((width, height), str(path))
        self._rate(options.fps)
        self._served = 0

    def _rate(self, asked_fps: float | None) -> None:
        """Set the rate of the file and its length, as far as it tells them."""
        assert asked_fps is None, "a container has a rate of its own"
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = min(fps, MOST_FPS) if fps > 0 else None
        self._clock = PresentationClock(1 / (self.fps or RAW_FPS))
        promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._promised = int(promised) if 0 < promised < math.inf else 0
        self._duration_s = self._promised / fps if fps > 0 else 0.0
        self.length = self._promised or None

    def _shown_at_s(self) -> float:
        """When the frame that was just read is shown."""
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        if stamp_s < NO_STAMP_S and hasattr(cv2, "CAP_PROP_PTS"):  # 4.6 lacks it
            # OpenCV 4.11 counts from a decoding time that Matroska does not have; the other number
            # that it gives is rounded to whole frames.
            stamp_s = self._capture.get(cv2.CAP_PROP_PTS) / (self.fps or RAW_FPS)
        return self._clock.at_s(stamp_s)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The video of this name."""
        return cls(Path(request.source), request.options)

    def _read(self) -> Shot | None:
        ok, pixels = self._capture.read()
        if ok:
            self._served += 1
            upright = self._upright.apply(np.asarray(pixels, np.uint8))
            return Shot(upright, self._path.name, shown_at_s=self._shown_at_s())
        if self._served == 0:
            raise SourceError(f"{self._path}: {self._why_nothing()}")
        if not self._is_whole():
            raise SourceError(
                f"{self._path}: ends after {self._served} of {self._promised} frames, "
                "the file is damaged; what was readable has been processed"
            )
        return None

    def _why_nothing(self) -> str:
        """Why not even the first frame came."""
        fourcc = round(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
        codec = UNDECODED.get(fourcc.decode("latin-1"))
        if codec is None:
            return "a video without a single frame that can be decoded"
        return (
            f"a video in {codec}, which OpenCV does not decode here: make H.264 of it "
            f"(ffmpeg -i {self._path.name} -c:v libx264 new.mp4)"
        )

    def _is_whole(self) -> bool:
        """Whether the file went on for as long as it promised."""
        # Containers estimate their length: a frame or two short is a whole video.
        if self._served + max(2, self._promised // 100) >= self._promised:
            return True
        # Of a variable rate some only tell how long it takes. The last frame may stay longest.
        last_s = self._clock.last_s or 0.0
        return last_s + 2 * self._clock.longest_s >= 0.99 * self._duration_s

    def _release(self) -> None:
        self._capture.release()


class RawVideoReader(VideoReader):
    """A stream of frames without a container, which has no time stamps and no length."""

    def _rate(self, asked_fps: float | None) -> None:
        self.fps = asked_fps or RAW_FPS
        self._promised = 0

    def _shown_at_s(self) -> float:
        assert self.fps is not None
        return (self._served - 1) / self.fps
