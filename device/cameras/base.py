"""Sources of frames behind one protocol.

A source reads its own way in ``_read``; counting, timing, stopping, limits and which way up
frames are is the same for all and lives in :class:`Camera`.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from device.cameras.orientation import Orientation
from device.errors import SourceError, UsageError
from device.records import Frame, Pixels
from device.system.closable import Closable

PNG_END = b"IEND\xaeB`\x82"  # the last chunk's name and checksum
MIN_SIDE = 16  # pixels: nothing can be recognised on less

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """What is asked of a source.

    Size and rate are for those that can be asked: others raise ``UsageError``.
    """

    size_wh: tuple[int, int] | None = None  # as the camera makes frames, before they are turned
    fps: float | None = None
    rotate: int = 0  # degrees clockwise: 0, 90, 180, 270
    flip: str | None = None  # horizontal, vertical, both; after turning
    give_up_s: float | None = None  # after that long without it; None: never
    frozen_s: float = 10.0  # as long without a new picture is a loss; 0: never
    lores_wh: tuple[int, int] | None = None  # what the network sees, where a camera makes that too
    seed: int = 0  # of the demo's path


DEFAULTS = CameraOptions()


@dataclass(frozen=True, slots=True)
class Shot:
    """What a source reads: a frame that is not numbered yet."""

    pixels: Pixels
    name: str = ""
    lores: Pixels | None = None
    captured_at_s: float | None = None  # monotonic; None: when it was read


class Camera(Closable):
    """A source of frames, used as a context manager and iterated with :meth:`frames`.

    ``fps`` is the rate at which its frames should be shown, which a file knows and a folder
    does not (None).
    """

    fps: float | None = None
    live = False  # whether frames come when they come, and the newest counts
    orientation = Orientation()  # what is left to be done to its frames
    on_wait: Callable[[], None] = staticmethod(lambda: None)  # before each wait for a lost camera
    _closed = False

    def __init__(self, options: CameraOptions = DEFAULTS) -> None:
        self.orientation = Orientation.of(options.rotate, options.flip)

    @abstractmethod
    def _read(self) -> Shot | None:
        """The next picture, or None at the end.

        Raises ``SourceError`` where the source breaks.
        """

    def _release(self) -> None:
        """Let go of the device or file."""

    def close(self) -> None:
        """Release the device or file; may be called more than once."""
        if not self._closed:
            self._closed = True
            self._release()

    def frames(
        self, limit: int | None = None, stop: threading.Event | None = None
    ) -> Iterator[Frame]:
        """Every frame until the source ends, ``limit`` is reached or ``stop`` is set.

        Raises ``SourceError`` where the source breaks, or was closed.
        """
        stop = stop or threading.Event()
        index = 0
        while (limit is None or index < limit) and not stop.is_set():
            if self._closed:
                raise SourceError("no more frames: the source was closed")
            started = time.perf_counter()
            shot = self._read()
            if shot is None:
                return
            pixels = self.orientation.apply(shot.pixels)
            lores = None if shot.lores is None else self.orientation.apply(shot.lores)
            capture_ms = (time.perf_counter() - started) * 1e3
            now_s = time.monotonic()
            captured_at_s = now_s if shot.captured_at_s is None else shot.captured_at_s
            yield Frame(pixels, index, captured_at_s, capture_ms, shot.name, lores)
            index += 1


class FakeCamera(Camera):
    """Serves pictures from memory: for tests and for trying a pipeline without a camera.

    ``pictures`` are uint8 (height, width, 3), blue, green, red, and may be an endless iterator.
    """

    def __init__(
        self,
        pictures: Iterable[Pixels],
        fps: float | None = None,
        options: CameraOptions = DEFAULTS,
    ) -> None:
        super().__init__(options)
        self._pictures = iter(pictures)
        self.fps = fps

    def _read(self) -> Shot | None:
        pixels = next(self._pictures, None)
        return None if pixels is None else Shot(pixels)


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


def open_camera(
    source: str, samples: list[Path], warn: Warn, options: CameraOptions = DEFAULTS
) -> Camera:
    """The camera that ``source`` names: see the README's table.

    ``samples`` are the pictures that ``demo`` shows; ``warn`` is told of pictures passed over, and
    of cameras lost and found.
    Raises ``SourceError`` or ``UsageError``.
    """
    # Each kind is imported where it is wanted: memory on a Pi counts.
    if source == "demo":
        from device.cameras.demo import DemoCamera

        _refuse(options, source, "fps")
        return DemoCamera([read_picture(path) for path in samples], options)
    if source.split(":")[0] == "picamera" and "://" not in source:
        from device.cameras.picamera import PicameraCamera, camera_number

        return PicameraCamera(camera_number(source), options, warn)
    device = f"/dev/video{source}" if source.isdecimal() else source
    if device.startswith("/dev/video") or Path(device).is_char_device():
        from device.cameras.v4l2 import V4l2Camera

        return V4l2Camera(device, options, warn)
    if "://" in source:
        return _open_url(source, warn, options)
    from device.cameras.files import Pictures, VideoFile

    path = Path(source)
    if not path.exists():
        raise SourceError(f"{source}: no such file or folder")
    _refuse(options, source, "size_wh", "fps")
    if path.is_dir():
        return Pictures.of_folder(path, warn, options)
    if path.stat().st_size == 0:
        raise SourceError(f"{source}: empty file")
    # By content, not by name: people have pictures called .jpg that are PNG, or nothing.
    if cv2.haveImageReader(source) or path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp"):
        return Pictures([path], warn, options)
    return VideoFile(path, options)


def _open_url(source: str, warn: Warn, options: CameraOptions) -> Camera:
    from device.cameras.url import CameraUrl

    url = CameraUrl.parse(source)
    _refuse(options, url.shown, "size_wh", "fps")
    if url.scheme in ("http", "https"):
        from device.cameras.mjpeg import MjpegCamera

        return MjpegCamera(url, options, warn)
    from device.cameras.rtsp import RtspCamera

    return RtspCamera(url, options, warn)


def _refuse(options: CameraOptions, source: str, *names: str) -> None:
    """Raise :class:`UsageError` where something is asked of a source that it cannot give."""
    for name in names:
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name.removesuffix('_wh')}: {source} comes as it is; "
                "picamera and V4L2 cameras can be asked"
            )
