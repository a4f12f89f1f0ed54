"""Video files: written under a partial name, and given their own when they are finished."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np

from device.errors import SinkError
from device.outputs.base import ImageSink, make_folder
from device.outputs.encoders import Encoder, choose_encoder
from device.outputs.file_names import recovered_of
from device.outputs.pace import Pace
from device.outputs.retention import DiskSpace
from device.records import Outcome, Pixels
from device.system.closable import Closable
from device.system.console import say
from device.system.file_lock import take_lock
from device.system.memory_trim import return_freed
from device.system.partial_file import partial_of

MOST_OF_A_HEADER = 2000  # bytes of a video without a frame


def fit(image: Pixels, size_wh: tuple[int, int]) -> Pixels:
    """The letterboxed ``image``: inside a frame of ``size_wh``, its shape kept, black around it."""
    height, width = image.shape[:2]
    if 0 <= width - size_wh[0] <= 1 and 0 <= height - size_wh[1] <= 1:
        return image[: size_wh[1], : size_wh[0]]
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    canvas = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=cv2.INTER_AREA
    )
    return canvas


def refuse_second_run(path: Path) -> NoReturn:
    """Raise ``SinkError`` for an output that another run is writing."""
    raise SinkError(f"{path}: another run is writing it; end that one, or choose another name")


def _is_bare_header(partial: Path) -> bool:
    """Whether an MP4 or Matroska file was cut off before its first frame was in it."""
    with partial.open("rb") as file:
        data = file.read(MOST_OF_A_HEADER + 1)
    if len(data) > MOST_OF_A_HEADER:
        return False
    mp4 = data[4:8] == b"ftyp" and b"mdat" not in data
    matroska = data.startswith(b"\x1aE\xdf\xa3") and b"\x1fC\xb6u" not in data  # no cluster
    return not data or mp4 or matroska


def _plays(path: Path) -> bool:
    """Whether a video has a first frame."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return bool(capture.isOpened() and capture.read()[0])
    finally:
        capture.release()


def recover(partial: Path, path: Path) -> None:
    """Give what a run that was cut off left unfinished the name ``path``, and say so.

    Where it holds no frame yet it is removed.
    """
    try:
        if _is_bare_header(partial):
            partial.unlink()
            return
        partial.replace(path)
    except OSError as exc:
        say(f"{partial}: left by a run that was cut off, and cannot be renamed ({exc.strerror})")
    else:
        say(f"{path}: what a run that was cut off had recorded")


class VideoWriter(Closable):
    """A writer of one video, whose images are letterboxed into the size of the first.

    It is written as ``NAME.partial.mp4`` and takes its name when it is finished: until then, and
    if it fails, a video that was there before stays.
    """

    def __init__(self, path: Path, encoder: type[Encoder], fps: float, space: DiskSpace) -> None:
        self.path = path
        self._partial = partial_of(path)
        self._make_encoder = encoder
        self._fps = fps
        self._space = space
        self._encoder: Encoder | None = None
        self._size_wh = (0, 0)
        self._written = 0
        self._failed = False
        self._lock: int | None = None  # a descriptor of the partial file, locked

    def claim(self) -> None:
        """Lock the partial file for this process; what is there of an earlier run is recovered.

        Raises ``SinkError`` where another process is writing it.
        """
        while self._lock is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            try:
                number = os.open(self._partial, flags, 0o666)
            except OSError as exc:
                raise SinkError(f"{self.path}: {exc.strerror}") from exc
            if not take_lock(number):
                os.close(number)
                refuse_second_run(self.path)
            left = os.fstat(number)
            if left.st_nlink and not left.st_size:
                self._lock = number
                return
            os.close(number)
            if left.st_nlink:  # else it was given its name since it was opened
                recover(self._partial, recovered_of(self.path, left.st_mtime))
                if self._partial.exists():
                    raise SinkError(f"{self._partial}: is in the way, and cannot be renamed")

    def _let_go(self) -> None:
        number, self._lock = self._lock, None
        if number is not None:
            os.close(number)

    @property
    def is_removed(self) -> bool:
        """Whether what was written so far was removed meanwhile."""
        return self._encoder is not None and not self._partial.exists()

    @property
    def size_bytes(self) -> int:
        """The bytes that it takes on the disk by now."""
        try:
            return self._partial.stat().st_size
        except FileNotFoundError:
            return 0

    def write(self, image: Pixels, at_s: float) -> None:
        """Append a picture, to be shown at ``at_s``. Raises ``SinkError``."""
        try:
            self._space.make(self.size_bytes)
            if self._encoder is None:
                height, width = image.shape[:2]
                self._size_wh = (width - width % 2, height - height % 2)  # as codecs want it
                self.claim()
                self._encoder = self._make_encoder(self._partial, self._size_wh, self._fps)
            self._encoder.write(fit(image, self._size_wh), at_s)
        except SinkError as exc:
            self._failed = True
            fate = self._fate(self._written > 0)
            if self._encoder is None and self._lock is not None:
                self._partial.unlink(missing_ok=True)
            raise SinkError(f"{exc} after {self._written} frames; {fate}") from exc
        self._written += 1

    def close(self) -> None:
        """Finish the file and give it its name. Raises ``SinkError``."""
        try:
            self._finish()
        finally:
            self._let_go()

    def _finish(self) -> None:
        if self._encoder is None:
            if self._lock is not None and self.size_bytes == 0:
                self._partial.unlink(missing_ok=True)
            return
        encoder, self._encoder = self._encoder, None
        error: SinkError | None = None
        keep = self._written > 0
        try:
            encoder.close()
        except SinkError as exc:
            error = exc
            keep &= encoder.robust
        return_freed()
        if error is not None or self._failed:
            keep &= not self.path.exists()
            if keep and not _plays(self._partial):
                keep = False
                say(f"{self.path}: not one whole frame of it reached the disk; it is removed")
        fate = self._fate(keep)
        try:
            if keep:
                self._partial.replace(self.path)
            else:
                self._partial.unlink(missing_ok=True)
        except FileNotFoundError:
            say(f"{self._partial}: was removed while it was written")
        except OSError as exc:
            raise SinkError(f"{self.path}: {exc.strerror}") from exc
        if error is not None and not (self._failed and encoder.robust):  # that was told
            raise SinkError(f"{error}; {fate}") from error

    def _fate(self, keep: bool) -> str:
        if self.path.exists():
            return f"{self.path} is left as it was"
        return f"{self.path} is {'what there is of it' if keep else 'not made'}"


class VideoSink(ImageSink):
    """A video of the annotated frames."""

    def __init__(self, path: Path, pace: Pace) -> None:
        if path.is_dir():
            raise SinkError(f"{path}: a folder has this name; choose another for the video")
        make_folder(path.parent)
        self._pace = pace
        self._file = VideoWriter(
            path, choose_encoder(path.suffix), pace.fps, DiskSpace(path.parent)
        )
        self._file.claim()
        self._is_drawn = False

    def write(self, outcome: Outcome) -> None:
        """Append the frame."""
        assert outcome.image is not None
        self._is_drawn = False  # of one that cannot be written another line tells
        self._file.write(outcome.image, self._pace.at_s(outcome.frame))
        self._is_drawn = True

    def close(self) -> None:
        """Finish the file, and say where it lies."""
        self._file.close()
        if self._is_drawn:
            say(f"drawn in {self._file.path}")
        self._is_drawn = False
