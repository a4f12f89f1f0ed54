"""Video encoders: H.264 through PyAV, or what OpenCV can do where PyAV is missing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from device.errors import SinkError
from device.outputs.base import VIDEO_SUFFIXES
from device.records import Pixels
from device.system.closable import Closable
from device.system.console import say

if TYPE_CHECKING:
    import av

CLOCK_HZ = 90_000  # of the time stamps in a video: any usual frame rate divides it
KEYFRAMES_S = 2.0  # from one picture that can be jumped to, to the next
FRAGMENT_S = 1.0  # what a power cut costs, besides what the system had not put on the disk yet
MAX_GAP_S = 10.0  # longer gaps are left out of a video of one rate
# libx264 rather than a Pi's own encoder: a Pi 5 has none, and a Pi 4's takes no time stamps of
# ours. With these it costs less than OpenCV's mp4v, and holds back no frames in memory. One
# quantizer for all frames, because a rate factor looks at each frame once more, at half its size.
X264 = {"preset": "ultrafast", "tune": "zerolatency", "qp": "24"}
COLOURS = {"colorspace": "smpte170m", "color_range": "tv"}  # what OpenCV converts to
HYBRID_SINCE = (61, 7)  # libavformat of FFmpeg 7.1


class Encoder(Closable):
    """An encoder of one file; ``size_wh`` is even."""

    robust: bool  # whether a file that could not be finished plays up to where it broke

    @abstractmethod
    def __init__(self, path: Path, size_wh: tuple[int, int], fps: float) -> None:
        """Raises ``SinkError``, as all of it does."""

    @abstractmethod
    def write(self, image: Pixels, at_s: float) -> None:
        """Append a picture of the size, to be shown at ``at_s``."""


@contextmanager
def _errors_of_av(path: Path) -> Iterator[None]:
    import av

    try:
        yield
    except (OSError, av.error.FFmpegError) as exc:
        raise SinkError(f"{path}: {exc.strerror or exc}") from exc


class H264Encoder(Encoder):
    """H.264 by PyAV, every frame with the time it was taken at.

    The file is made of fragments, each of which can be played as soon as it is written: neither
    a power cut nor a full disk takes what came before. Where FFmpeg can, a file that is finished
    becomes one without fragments, which more players can jump around in.
    """

    robust = True

    def __init__(self, path: Path, size_wh: tuple[int, int], fps: float) -> None:
        import av

        self._path = path
        self._last = -1
        self._began_s: float | None = None
        hybrid = av.library_versions["libavformat"] >= HYBRID_SINCE
        matroska = path.suffix.lower() == ".mkv"
        options = {"flush_packets": "1"}
        if matroska:
            options["cluster_time_limit"] = f"{FRAGMENT_S * 1e3:.0f}"
        else:
            options["frag_duration"] = f"{FRAGMENT_S * 1e6:.0f}"
            options["movflags"] = "hybrid_fragmented" if hybrid else "empty_moov+default_base_moof"
        with _errors_of_av(path):
            self._container = av.open(
                f"file:{path}", "w", format="matroska" if matroska else "mp4", options=options
            )
            keyframes = str(max(1, round(KEYFRAMES_S * fps)))
            stream = self._container.add_stream(
                "libx264",
                rate=Fraction(fps).limit_denominator(1001),
                options=X264 | COLOURS | {"g": keyframes},
            )
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
            stream.codec_context.thread_count = 1  # the other cores are the network's
            self._stream = stream
            # One frame for all: to ask the system for fresh memory takes as long as to fill it.
            # The encoder holds none back (zerolatency), so it is done with the one before.
            self._frame = av.VideoFrame(*size_wh, "yuv420p")
        self._planes = np.empty((size_wh[1] * 3 // 2, size_wh[0]), np.uint8)

    def write(self, image: Pixels, at_s: float) -> None:
        """Append a picture."""
        if self._began_s is None:
            self._began_s = at_s
        with _errors_of_av(self._path):
            # OpenCV's conversion takes half the time of FFmpeg's.
            cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420, dst=self._planes)
            _fill(self._frame, self._planes)
            self._last = max(self._last + 1, round((at_s - self._began_s) * CLOCK_HZ))
            self._frame.pts, self._frame.time_base = self._last, Fraction(1, CLOCK_HZ)
            self._container.mux(self._stream.encode(self._frame))

    def close(self) -> None:
        """Finish the file."""
        with _errors_of_av(self._path):
            try:
                # An encoder that refused its first frame is not open: PyAV 19 crashes when asked
                # for what it holds back.
                if self._stream.codec_context.is_open:
                    self._container.mux(self._stream.encode())
            finally:
                self._container.close()


def _fill(frame: av.VideoFrame, planes: Pixels) -> None:
    """Copy ``planes`` (Y, U and V one after the other, as OpenCV has them) into a frame's own."""
    values, start = planes.reshape(-1), 0
    for plane in frame.planes:
        size = plane.width * plane.height
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        part = values[start : start + size]
        rows[:, : plane.width] = part.reshape(plane.height, plane.width)
        start += size


class OpenCvEncoder(Encoder):
    """Motion JPEG (.avi) or MPEG-4 by OpenCV, at one rate: frames are repeated or left out.

    OpenCV reports no errors, so the finished file is read back.
    """

    robust = False

    def __init__(self, path: Path, size_wh: tuple[int, int], fps: float) -> None:
        self._path = path
        self._fps = fps
        self._began_s: float | None = None
        self._written = 0
        code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix.lower() == ".avi" else "mp4v"))
        self._writer = cv2.VideoWriter(str(path), code, fps, size_wh)
        if not self._writer.isOpened():
            raise SinkError(
                f"{path}: OpenCV cannot write a video here; is the folder writable, "
                f"and the name's ending one of {', '.join(VIDEO_SUFFIXES)}?"
            )

    def write(self, image: Pixels, at_s: float) -> None:
        """Append a picture as often as its time asks for."""
        if self._began_s is None:
            self._began_s = at_s
        due = round((at_s - self._began_s) * self._fps) + 1 - self._written
        if due > MAX_GAP_S * self._fps:
            self._began_s = at_s - self._written / self._fps
            due = 1
        for _ in range(due):
            self._writer.write(image)
            self._written += 1

    def close(self) -> None:
        """Finish the file and check that it plays."""
        self._writer.release()
        capture = cv2.VideoCapture(str(self._path))
        readable = capture.isOpened() and capture.read()[0]
        frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if not readable or frames < self._written:
            raise SinkError(f"{self._path}: cannot be read back (is the disk full?)")


def choose_encoder(suffix: str) -> type[Encoder]:
    """The encoder for files that end in ``suffix``; says so where it is not the best."""
    if suffix.lower() == ".avi":
        return OpenCvEncoder
    try:
        import av
    except ImportError:
        pass
    else:
        if "libx264" in av.codecs_available:
            return H264Encoder
    say(
        "videos are written as MPEG-4 (mp4v), which browsers do not play and a power cut destroys: "
        "for H.264 install PyAV (pip install av; on a Pi python3-av)"
    )
    return OpenCvEncoder
