"""Picamera2 cameras: those on a Raspberry Pi's ribbon.

The image processor makes two pictures of every exposure: one to look at, and beside it, at no
cost, one as small as the network wants it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from device.cameras.base import Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.reconnecting import POLL_S, LiveCamera
from device.errors import SourceError, UsageError
from device.orientation import Orientation
from device.records import Pixels

if TYPE_CHECKING:
    from picamera2 import Picamera2
    from picamera2.job import Job
    from picamera2.request import CompletedRequest

SIZE_WH = (640, 480)
# One is filled, one is kept as the newest, one is copied; more would only take memory.
BUFFERS = 3
BGR = "RGB888"  # libcamera names formats by their order in a word: in memory, blue comes first


def camera_number(source: str) -> int:
    """0 for ``picamera``, 1 for ``picamera:1``. Raises ``UsageError`` for other words."""
    _, colon, number = source.partition(":")
    if colon and not number.isdecimal():
        raise UsageError(f"--source {source}: expected is picamera, or picamera:1 for a second one")
    return int(number or 0)


def boot_to_monotonic_s(boot_ns: int) -> float:
    """A time by CLOCK_BOOTTIME, which libcamera stamps frames with, by ``time.monotonic``."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux's, as libcamera is
    asleep_s = time.clock_gettime(clock) - time.monotonic()
    return boot_ns / 1e9 - asleep_s


def even(size_wh: tuple[int, int]) -> tuple[int, int]:
    """The next smaller size that has chroma for every pixel."""
    return size_wh[0] // 2 * 2, size_wh[1] // 2 * 2


def make_picamera2(kind: Any, number: int) -> Picamera2:
    """``kind(number)``; where that fails, the pipe that it leaves open is closed."""
    camera = kind.__new__(kind)
    try:
        camera.__init__(number)
    except RuntimeError:
        camera.notifymeread.close()
        os.close(camera.notifyme_w)
        raise
    return camera


class PicameraCamera(LiveCamera):
    """A camera that libcamera knows.

    Where the network's input is known and no larger than the frames, they come with ``lores``.
    """

    advice = "Is the ribbon in straight, at both ends? See: rpicam-hello --list-cameras"

    def __init__(
        self,
        number: int,
        options: CameraOptions,
        warn: Warn,
        stop: threading.Event | None = None,
    ) -> None:
        """Raises ``SourceError`` where Picamera2 or the camera is missing, or is in use."""
        self._number = number
        self._size_wh = even(options.size_wh or SIZE_WH)
        self._fps = options.fps
        self._camera: Picamera2 | None = None
        self._job: Job[CompletedRequest] | None = None
        wanted = Orientation.of(options.rotate, options.flip)
        self._mirrors = wanted.mirrors_before()  # the sensor does these
        lores_wh = options.lores_wh
        if lores_wh is not None and wanted.transpose:
            lores_wh = lores_wh[::-1]
        if lores_wh is None or any(np.greater(lores_wh, self._size_wh)):
            self._lores_wh = None
        else:
            self._lores_wh = even(lores_wh)
        os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # it tells a lot about itself
        logging.getLogger("picamera2").addHandler(logging.NullHandler())  # said here, once
        super().__init__(f"picamera:{number}", options, warn, stop)
        self.orientation = Orientation(transpose=wanted.transpose)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera of this number: ``picamera``, ``picamera:1``."""
        number = camera_number(request.source)
        return cls(number, request.options, request.warn, request.stop)

    def _connect(self) -> None:
        try:
            from libcamera import ColorSpace, Transform
            from picamera2 import Picamera2
            from picamera2.dma_heap import DmaHeap
        except ImportError as exc:
            raise SourceError(
                f"{self.name}: Picamera2 cannot be imported ({exc}); install it with: sudo apt "
                "install python3-picamera2, and make the virtual environment with "
                "--system-site-packages"
            ) from exc
        found = [info["Model"] for info in Picamera2.global_camera_info()]
        if self._number >= len(found):
            raise SourceError(
                f"{self.name}: no such camera; libcamera sees {', '.join(found) or 'none'}; "
                "is the ribbon in straight, at both ends? Try: rpicam-hello --list-cameras"
            )
        hflip, vflip = self._mirrors
        try:
            DmaHeap().close()  # where it cannot be opened, Picamera2 leaves half a camera behind
            self._camera = camera = make_picamera2(Picamera2, self._number)
            lores_format = BGR if Picamera2.platform.name == "PISP" else "YUV420"
            rate = {} if self._fps is None else {"FrameRate": self._fps}
            config = camera.create_video_configuration(
                main={"size": self._size_wh, "format": BGR},
                lores=self._lores_wh and {"size": self._lores_wh, "format": lores_format},
                raw=None,
                transform=Transform(hflip=hflip, vflip=vflip),
                colour_space=ColorSpace.Smpte170m(),  # what OpenCV takes YUV for
                buffer_count=BUFFERS,
                controls=rate,
                display=None,
                encode=None,
            )
            camera.configure(config)
            self._config: dict[str, Any] = camera.camera_configuration()
            given = self._config["main"]["format"]
            if given != BGR:
                raise SourceError(
                    f"{self.name}: {found[self._number]} gives {given}, not {BGR}; "
                    "USB cameras are --source 0 and so on"
                )
            camera.start()
        except SourceError:
            raise
        except (RuntimeError, OSError) as exc:
            raise SourceError(f"{self.name}: {self._reason(exc)}") from exc
        self.fps = self._fps

    def _reason(self, error: BaseException) -> str:
        while error.__cause__ is not None:  # Picamera2 wraps what libcamera said
            error = error.__cause__
        if isinstance(error, PermissionError):
            return (
                f"permission denied ({error.filename}); allow it with: sudo usermod -aG video "
                "$USER, then log in again"
            )
        if "busy" in str(error).lower():
            return "busy, another program has it; find it with: fuser -v /dev/media*"
        return str(error)

    def _grab(self) -> Shot | None:
        camera = self._camera
        assert camera is not None
        if self._job is None:
            self._job = camera.capture_request(wait=False)
        try:
            request = camera.wait(self._job, timeout=POLL_S)
        except TimeoutError:
            return None  # the job stays: a second one would take a frame that nobody fetches
        except RuntimeError as exc:
            raise SourceError(f"{self.name}: {exc}") from exc
        self._job = None
        try:
            pixels = self._bgr(request, "main")
            lores = None if self._lores_wh is None else self._bgr(request, "lores")
            exposed_ns = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        now_s = time.monotonic()
        captured_at_s = now_s if exposed_ns is None else min(boot_to_monotonic_s(exposed_ns), now_s)
        return Shot(pixels, self.name, lores, captured_at_s)

    def _bgr(self, request: CompletedRequest, stream: str) -> Pixels:
        pixels = request.make_array(stream)
        config = self._config[stream]
        if config["format"] == "YUV420":
            # Rows may be longer than the picture is wide, and are cut after the conversion.
            pixels = cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420)[:, : config["size"][0]]
        return np.ascontiguousarray(pixels)

    def _disconnect(self) -> None:
        camera, self._camera, self._job = self._camera, None, None
        if camera is not None:
            with contextlib.suppress(RuntimeError, OSError):
                camera.close()
