"""Live cameras: watched for freezing and loss, and reached again with exponential backoff."""

from __future__ import annotations

import threading
import time
import zlib
from abc import abstractmethod
from collections.abc import Callable

import numpy as np

from device.cameras.base import Camera, CameraLoss, CameraOptions, Shot, Warn
from device.errors import SourceError
from device.records import Pixels

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 10.0  # between two attempts to reach a lost camera
CONNECT_TIMEOUT_S = 30.0  # for all that connecting takes: names, servers, drivers
STOP_POLL_S = 0.1  # between two looks whether a wait is to end
POLL_S = 1.0  # the longest wait for a frame before a camera looks whether it is to stop
NETWORK_TIMEOUT_S = 5.0  # for a server to answer, and for its next frame
STEP = 16  # pixels between those that are compared first


def _checksum(pixels: Pixels) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).data)


class _ChangeDetector:
    """Tells an image from the one before, byte by byte, but looks at few where they differ.

    A sensor's noise changes every picture; the clock that a network camera writes into a scene
    that its encoder found still changes a corner, once a second.
    """

    def __init__(self) -> None:
        self._some: int | None = None  # checksum of one pixel in 256
        self._all: int | None = None  # of the whole picture, where those few were the same

    def is_new(self, pixels: Pixels) -> bool:
        """Whether ``pixels`` differ from those of the last call."""
        before, self._some = self._some, _checksum(pixels[::STEP, ::STEP])
        if self._some != before:
            self._all = None
            return True
        whole_before, self._all = self._all, _checksum(pixels)
        return self._all != whole_before


class _Attempt(threading.Thread):
    """An attempt to connect, in a thread that can be left behind where it hangs."""

    def __init__(self, connect: Callable[[], None]) -> None:
        super().__init__(name="connect", daemon=True)
        self._connect = connect
        self._done = threading.Event()
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Connect, and note how it ended."""
        try:
            self._connect()
        except BaseException as exc:
            self.error = exc
        self._done.set()

    def wait(self, stop: threading.Event, timeout_s: float) -> bool:
        """Wait for its end; False where ``stop`` was set, or the time ran out."""
        deadline_s = time.monotonic() + timeout_s
        while not self._done.wait(STOP_POLL_S):
            if stop.is_set() or time.monotonic() > deadline_s:
                return False
        return True


class LiveCamera(Camera):
    """A camera that is watched, and reached for again when it is lost.

    A subclass connects, grabs and disconnects. What goes wrong before the first frame ends the
    run: it is likely to be a mistake. After that ``give_up_s`` decides.
    """

    live = True
    advice = ""  # what to check when it is lost

    def __init__(
        self,
        name: str,
        options: CameraOptions,
        warn: Warn,
        stop: threading.Event | None = None,
    ) -> None:
        """Connect, unless ``stop`` is set meanwhile; ``name`` is what messages call the camera.

        Raises ``SourceError``.
        """
        super().__init__(options)
        self._stop = stop or threading.Event()
        self._attempt: _Attempt | None = None
        self.name = name
        self._warn = warn
        self._give_up_s = options.give_up_s
        self._frozen_s = options.frozen_s
        self._changes = _ChangeDetector()
        self._connected = False
        self._news_at_s: float | None = None  # when the picture last changed
        self._found_at_s: float | None = None  # when the first frame came, or that after a loss
        self._lost_at_s: float | None = None
        self._delay_s = FIRST_DELAY_S
        self._reach()

    @abstractmethod
    def _connect(self) -> None:
        """Make ready for :meth:`_grab`; in a thread of its own. Raises ``SourceError``."""

    @abstractmethod
    def _grab(self) -> Shot | None:
        """The next frame; None where none came within a second or so.

        Raises ``SourceError`` where none will come any more.
        """

    @abstractmethod
    def _disconnect(self) -> None:
        """Let go of all that :meth:`_connect` took, also where it failed halfway."""

    def _release(self) -> None:
        if self._attempt is None:  # else the device is that one's
            self._disconnect()

    def _reach(self) -> None:
        """Connect, or go on waiting for an attempt that hangs: two would be in each other's way."""
        if self._attempt is None:
            self._attempt = _Attempt(self._connect)
        if not self._attempt.wait(self._stop, CONNECT_TIMEOUT_S):
            if self._stop.is_set():
                return
            raise SourceError(f"{self.name}: no answer within {CONNECT_TIMEOUT_S:g} s")
        error, self._attempt = self._attempt.error, None
        if error is not None:
            self._disconnect()
            if self._stop.is_set():  # which is why
                return
            raise error
        self._connected, self._news_at_s = True, None

    def _read(self) -> Shot | None:
        while not self._stop.is_set():
            try:
                if not self._connected:
                    self._reach()
                    continue
                shot = self._grab()
                is_new = shot is not None and self._changes.is_new(shot.pixels)
                self._check_frozen(is_new)
            except SourceError as exc:
                self._connected = False
                self._release()
                self._lose(exc)
                continue
            # The picture on which a camera froze does not show that it is back.
            if shot is None or (self._lost_at_s is not None and not is_new):
                continue
            self._find()
            return shot
        return None

    def _check_frozen(self, is_new: bool) -> None:
        now_s = time.monotonic()
        if is_new or self._news_at_s is None:
            self._news_at_s = now_s
        elif self._frozen_s and now_s - self._news_at_s > self._frozen_s:
            raise SourceError(f"{self.name}: no new picture for {self._frozen_s:g} s")

    def _lose(self, error: SourceError) -> None:
        """Say it once, and wait a while, longer each time; or give up."""
        if self._found_at_s is None:
            raise error
        now_s = time.monotonic()
        is_first = self._lost_at_s is None
        if self._lost_at_s is None:
            self._lost_at_s = now_s
            if now_s - self._found_at_s > LONGEST_DELAY_S:  # not one that comes and goes
                self._delay_s = FIRST_DELAY_S
        delay_s = self._delay_s
        if self._give_up_s is not None:
            left_s = self._lost_at_s + self._give_up_s - now_s
            if left_s <= 0:
                raise SourceError(f"{error}; given up after {self._give_up_s:g} s") from error
            delay_s = min(delay_s, left_s)
        if is_first:
            self.loss = CameraLoss(str(error), self.advice, now_s)
            self._warn(f"lost {error}; trying again until it is back")
        self.on_wait()
        self._stop.wait(delay_s)
        self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)

    def _find(self) -> None:
        if self._lost_at_s is not None or self._found_at_s is None:
            self._found_at_s = time.monotonic()
        if self._lost_at_s is not None:
            gone_s = self._found_at_s - self._lost_at_s
            self._warn(f"{self.name}: back after {gone_s:.0f} s")
            self._lost_at_s = self.loss = None


def silence_s(options: CameraOptions) -> float:
    """How long a server may be silent between two frames."""
    return min(NETWORK_TIMEOUT_S, options.frozen_s or NETWORK_TIMEOUT_S)
