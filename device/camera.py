"""Sources of frames behind one protocol: files, folders, the embedded demo, and a fake.

A source reads its own way in ``_read``; counting, timing, stopping and limits are the same
for all and live in :class:`Camera`.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from device.closable import Closable
from device.errors import SourceError, UsageError
from device.records import Frame, Pixels

PNG_END = b"IEND\xaeB`\x82"  # the last chunk's name and checksum
MIN_SIDE = 16  # pixels: nothing can be recognised on less

Warn = Callable[[str], None]


class Camera(Closable):
    """A source of frames, used as a context manager and iterated with :meth:`frames`.

    ``fps`` is the rate at which its frames should be shown, which a file knows and a folder
    does not (None).
    """

    fps: float | None = None
    live = False  # whether frames come when they come, and the newest counts

    @abstractmethod
    def _read(self) -> tuple[Pixels, str] | None:
        """The next picture and its name, or None at the end.

        Raises ``SourceError`` where the source breaks.
        """

    def close(self) -> None:
        """Release the device or file; may be called more than once."""

    def frames(
        self, limit: int | None = None, stop: threading.Event | None = None
    ) -> Iterator[Frame]:
        """Every frame until the source ends, ``limit`` is reached or ``stop`` is set."""
        index = 0
        while (limit is None or index < limit) and not (stop is not None and stop.is_set()):
            started = time.perf_counter()
            picture = self._read()
            if picture is None:
                return
            capture_ms = (time.perf_counter() - started) * 1e3
            yield Frame(picture[0], index, time.monotonic(), capture_ms, picture[1])
            index += 1


class FakeCamera(Camera):
    """Serves pictures from memory: for tests and for trying a pipeline without a camera.

    ``pictures`` are uint8 (height, width, 3), blue, green, red, and may be an endless iterator.
    """

    def __init__(self, pictures: Iterable[Pixels], fps: float | None = None) -> None:
        self._pictures = iter(pictures)
        self.fps = fps

    def _read(self) -> tuple[Pixels, str] | None:
        pixels = next(self._pictures, None)
        return None if pixels is None else (pixels, "")


class VideoFile(Camera):
    """Every frame of a video file, as fast as it can be decoded."""

    def __init__(self, path: Path) -> None:
        """Raises ``SourceError`` for a file that is no video OpenCV can read."""
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(
                f"{path}: neither a picture nor a video that can be read; "
                "is it complete, and does it play elsewhere?"
            )
        if self._capture.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"ansi"):
            # FFmpeg plays any text as the screen of a terminal.
            raise SourceError(f"{path}: a text file, not a video")
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or None
        self._promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._served = 0

    def _read(self) -> tuple[Pixels, str] | None:
        ok, pixels = self._capture.read()
        if ok:
            self._served += 1
            return np.asarray(pixels, np.uint8), self._path.name
        if self._served == 0:
            raise SourceError(f"{self._path}: a video without a single frame that can be decoded")
        # Containers estimate their length: a frame or two short is a whole video.
        if self._served + max(2, self._promised // 100) < self._promised:
            raise SourceError(
                f"{self._path}: ends after {self._served} of {self._promised} frames, "
                "the file is damaged; what was readable has been processed"
            )
        return None

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()


def _jpeg_ends(data: bytes) -> bool:
    """Whether a JPEG has its end marker; a thumbnail's, or one in a trailing video, is not it."""
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        marker = data[at + 1]
        if marker == 0xD9:
            return True
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker <= 0x01 or 0xD0 <= marker <= 0xD8:  # a byte 255 of a scan, or a restart
            at += 2
        else:  # a segment; of a scan its header, after which come its bytes
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def read_picture(path: Path) -> Pixels:
    """Decode one picture to uint8 BGR, upright and without alpha.

    Raises ``SourceError`` for a file that is missing, empty, truncated, no picture, or smaller
    than 16 x 16 pixels. OpenCV fills the rest of a truncated JPEG or PNG with grey and says
    nothing, so the end marker is looked for here.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from exc
    if not data:
        raise SourceError(f"{path}: empty file")
    if (data.startswith(b"\xff\xd8") and not _jpeg_ends(data)) or (
        data.startswith(b"\x89PNG") and PNG_END not in data
    ):
        raise SourceError(f"{path}: truncated picture")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:  # such as more pixels than OpenCV allows
        raise SourceError(f"{path}: OpenCV cannot decode it ({exc.err})") from exc
    if pixels is None:
        raise SourceError(f"{path}: not a picture that OpenCV can decode")
    height, width = pixels.shape[:2]
    if min(width, height) < MIN_SIDE:
        raise SourceError(
            f"{path}: {width}x{height} pixels, at least {MIN_SIDE}x{MIN_SIDE} are needed"
        )
    return np.asarray(pixels, np.uint8)


def list_pictures(folder: Path) -> list[Path]:
    """All files below ``folder`` named like pictures, in order of their names."""
    from imutils import paths  # here: a live camera need not pay its 4 MB

    return sorted(Path(path) for path in paths.list_images(str(folder)))


class Pictures(Camera):
    """The pictures of a folder, by name; one that is bad is reported and passed over."""

    def __init__(self, pictures: list[Path], warn: Warn) -> None:
        self._pictures = pictures
        self._next = 0
        self._good = 0
        self._warn = warn

    @classmethod
    def of_folder(cls, folder: Path, warn: Warn) -> Pictures:
        """All pictures below ``folder``; raises ``SourceError`` where there is none."""
        pictures = list_pictures(folder)
        if not pictures:
            raise SourceError(f"{folder}: no pictures in this folder (jpg, png, bmp, tif)")
        return cls(pictures, warn)

    def _read(self) -> tuple[Pixels, str] | None:
        while self._next < len(self._pictures):
            path = self._pictures[self._next]
            self._next += 1
            try:
                pixels = read_picture(path)
            except SourceError as exc:
                if len(self._pictures) == 1:
                    raise
                self._warn(f"skipped: {exc}")
                continue
            self._good += 1
            return pixels, path.name
        if self._good == 0:
            raise SourceError(f"none of the {len(self._pictures)} pictures could be read")
        return None


def open_camera(source: str, samples: list[Path], warn: Warn, seed: int = 0) -> Camera:
    """The camera that ``source`` names: ``demo``, a file or a folder.

    ``samples`` are the pictures that ``demo`` shows; ``warn`` is told of pictures passed over.
    Raises ``SourceError`` or ``UsageError``.
    """
    if source == "demo":
        from device.demo import DemoCamera

        return DemoCamera([read_picture(path) for path in samples], seed)
    path = Path(source)
    if path.is_dir():
        return Pictures.of_folder(path, warn)
    if not path.exists():
        if "://" in source or source.isdigit() or source == "picamera":
            raise UsageError(
                f"--source {source}: cameras and streams cannot be read yet; "
                "a file, a folder or demo can"
            )
        raise SourceError(f"{source}: no such file or folder")
    if path.stat().st_size == 0:
        raise SourceError(f"{source}: empty file")
    # By content, not by name: people have pictures called .jpg that are PNG, or nothing.
    if cv2.haveImageReader(source) or path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp"):
        return Pictures([path], warn)
    return VideoFile(path)
