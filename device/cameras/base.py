"""The camera protocol: what every source of frames has in common.

A source reads its own way in ``_read``; counting, timing, stopping, limits and orientation are
the same for all and live in :class:`Camera`.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import SourceError
from device.orientation import Orientation
from device.records import Frame, Pixels
from device.system.closable import Closable

Warn = Callable[[str], None]

CLOSE_TIMEOUT_S = 0.5  # for a read that is under way in another thread


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """Camera options: what is asked of a source.

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
    paced: bool = False  # a video no faster than it is to be shown


DEFAULTS = CameraOptions()


@dataclass(frozen=True, slots=True)
class CameraRequest:
    """A camera that is asked for: its source, as ``--source`` names it, and what it needs."""

    source: str
    samples: Sequence[Path]  # images for the demo
    warn: Warn
    options: CameraOptions = DEFAULTS
    stop: threading.Event = field(default_factory=threading.Event)  # ends waiting for it


@dataclass(frozen=True, slots=True)
class CameraLoss:
    """The loss of a camera that worked."""

    cause: str
    advice: str  # what to check
    at_s: float  # monotonic


@dataclass(frozen=True, slots=True)
class Shot:
    """One reading of a source: a frame that is not numbered yet."""

    pixels: Pixels
    name: str = ""
    lores: Pixels | None = None
    captured_at_s: float | None = None  # monotonic; None: when it was read
    shown_at_s: float | None = None  # on the clock of a file; None: it has none


class Camera(Closable):
    """A source of frames, used as a context manager and iterated with :meth:`frames`.

    ``fps`` is the rate at which its frames should be shown, which a file knows and a folder
    does not (None).
    """

    fps: float | None = None
    length: int | None = None  # how many frames there are, as far as the file says
    live = False  # whether frames come when they come, and the newest counts
    loss: CameraLoss | None = None  # while a live one is gone
    orientation = Orientation()  # what is left to be done to its frames
    on_wait: Callable[[], None] = staticmethod(lambda: None)  # before each wait for a lost camera
    _closed = False
    _stop = threading.Event()  # ends the frames; see :meth:`frames`

    def __init__(self, options: CameraOptions = DEFAULTS) -> None:
        self.orientation = Orientation.of(options.rotate, options.flip)
        self._paced = options.paced
        self._began_s: float | None = None  # when a video's clock stood at zero, monotonic
        self._reading = threading.Lock()

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera of this kind that is asked for.

        Raises ``SourceError`` or ``UsageError``.
        """
        raise NotImplementedError(f"no source names a {cls.__name__}")

    @abstractmethod
    def _read(self) -> Shot | None:
        """The next shot, or None at the end, or where ``self._stop`` was set during a wait.

        Raises ``SourceError`` where the source breaks.
        """

    def _release(self) -> None:
        """Let go of the device or file."""

    def close(self) -> None:
        """Release the device or file; may be called more than once.

        A device that hangs in another thread's read is left to it: released under that thread, it
        could take the process down.
        """
        if self._closed:
            return
        self._closed = True
        if self._reading.acquire(timeout=CLOSE_TIMEOUT_S):
            try:
                self._release()
            finally:
                self._reading.release()

    def frames(
        self, limit: int | None = None, stop: threading.Event | None = None
    ) -> Iterator[Frame]:
        """Every frame until the source ends, ``limit`` is reached or ``stop`` is set.

        Raises ``SourceError`` where the source breaks, or was closed.
        """
        self._stop = stop = stop or threading.Event()
        index = 0
        while (limit is None or index < limit) and not stop.is_set():
            if self._closed:
                raise SourceError("no more frames: the source was closed")
            started = time.perf_counter()
            with self._reading:
                shot = self._read()
            if shot is None:
                return
            pixels = self.orientation.apply(shot.pixels)
            lores = None if shot.lores is None else self.orientation.apply(shot.lores)
            capture_ms = (time.perf_counter() - started) * 1e3
            if self._paced and shot.shown_at_s is not None:
                self._wait_until_due(shot.shown_at_s)
            now_s = time.monotonic()
            captured_at_s = now_s if shot.captured_at_s is None else shot.captured_at_s
            yield Frame(pixels, index, captured_at_s, capture_ms, shot.name, lores, shot.shown_at_s)
            index += 1

    def _wait_until_due(self, shown_at_s: float) -> None:
        """Wait for the moment of a frame on its source's clock; one that is late is not made up."""
        now_s = time.monotonic()
        if self._began_s is None or self._began_s + shown_at_s < now_s:
            self._began_s = now_s - shown_at_s
        self._stop.wait(self._began_s + shown_at_s - now_s)
