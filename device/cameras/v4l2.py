"""Video4Linux cameras: USB webcams above all."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import struct
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from device.cameras.base import Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.opencv_log import log_errors_only
from device.cameras.reconnecting import POLL_S, LiveCamera
from device.errors import SourceError

# From linux/videodev2.h.
QUERYCAP, QUERYCAP_BYTES = 0x80685600, 104
REQBUFS = 0xC0145608
CAN_CAPTURE, HAS_DEVICE_CAPS = 0x1, 0x80000000
CAPTURE, MMAP = 1, 1

SYSFS = Path("/sys/class/video4linux")
SELECT_TIMEOUT_S = 2  # whole seconds; OpenCV's own is 10
BUFFERS = 2  # one to be filled while the other is read; more would only hold older frames
SIZE_WH = (640, 480)
OLDEST_S = 5.0  # timestamps further back are of another clock


def list_devices() -> str:
    """The video devices there are and their names, for a message."""
    found = [
        f"/dev/{device.name} ({(device / 'name').read_text().strip()})"
        for device in sorted(SYSFS.glob("video*"), key=lambda path: int(path.name[5:]))
    ]
    return ", ".join(found) or "none"


def check_device(device: str) -> None:
    """Raise ``SourceError`` that says why ``device`` cannot be a camera, where it cannot."""
    try:
        number = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError as exc:
        raise SourceError(f"{device}: no such camera; there are: {list_devices()}") from exc
    except PermissionError as exc:
        raise SourceError(
            f"{device}: permission denied; allow it with: sudo usermod -aG video $USER, "
            "then log in again"
        ) from exc
    except OSError as exc:
        raise SourceError(f"{device}: {exc.strerror}") from exc
    try:
        answer = fcntl.ioctl(number, QUERYCAP, bytes(QUERYCAP_BYTES))
        of_driver, of_node = struct.unpack_from("=2I", answer, 84)
        if not (of_node if of_driver & HAS_DEVICE_CAPS else of_driver) & CAN_CAPTURE:
            raise SourceError(
                f"{device}: this device gives no pictures; there are: {list_devices()}; a camera "
                "on a Raspberry Pi's ribbon is --source picamera"
            )
        # Asking for no buffers takes nothing, and is refused where another has some.
        fcntl.ioctl(number, REQBUFS, struct.pack("=5I", 0, CAPTURE, MMAP, 0, 0))
    except SourceError:
        raise
    except OSError as exc:
        if exc.errno == errno.EBUSY:
            raise SourceError(
                f"{device}: busy, another program has it; find it with: fuser -v {device}"
            ) from exc
        raise SourceError(f"{device}: not a camera ({exc.strerror})") from exc
    finally:
        os.close(number)


def _format(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    return code.to_bytes(4, "little").decode("ascii", "replace")


class V4l2Camera(LiveCamera):
    """A Video4Linux camera, asked for JPEGs: other formats are too much for USB at full rate."""

    advice = "Is its plug in? Does another program use it? See: v4l2-ctl --list-devices"

    def __init__(
        self,
        device: str,
        options: CameraOptions,
        warn: Warn,
        stop: threading.Event | None = None,
    ) -> None:
        """``device``: its path. Raises ``SourceError`` that says what is wrong with it."""
        self._device = device
        self._size_wh = options.size_wh or SIZE_WH
        self._fps = options.fps
        self._capture: cv2.VideoCapture | None = None
        self._said_what_it_gives = False
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(SELECT_TIMEOUT_S))
        log_errors_only()  # what goes wrong is said here, once
        super().__init__(device, options, warn, stop)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera of this number, or at this path."""
        source = request.source
        device = f"/dev/video{source}" if source.isdecimal() else source
        return cls(device, request.options, request.warn, request.stop)

    def _connect(self) -> None:
        check_device(self._device)
        self._capture = capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        for code in ("MJPG", "YUYV"):
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code))
            if _format(capture) == code:  # what `set` returns says nothing
                break
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size_wh[1])
        if self._fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, BUFFERS)
        if not capture.isOpened():
            raise SourceError(f"{self._device}: OpenCV knows none of the formats that it gives")
        self.fps = capture.get(cv2.CAP_PROP_FPS) or None
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._shape = (height, width, 3)
        same = (width, height) == self._size_wh and _format(capture) == "MJPG"
        same = same and self._fps in (None, self.fps)
        if not same and not self._said_what_it_gives:
            self._said_what_it_gives = True
            rate = "" if self._fps is None else f" at {self._fps:g}/s"
            self._warn(
                f"{self._device}: asked for {self._size_wh[0]}x{self._size_wh[1]}{rate} in MJPG, "
                f"gives {width}x{height} at {self.fps or 0:g}/s in {_format(capture)}"
            )

    def _grab(self) -> Shot | None:
        assert self._capture is not None
        started_s = time.monotonic()
        if not self._capture.grab():
            if time.monotonic() - started_s > POLL_S and Path(self._device).exists():
                return None  # waited in vain: it may yet come
            raise SourceError(f"{self._device}: gives no more frames; was it unplugged?")
        ok, pixels = self._capture.retrieve()
        if not ok or pixels.size != math.prod(self._shape):
            return None  # a JPEG that was damaged on the cable
        now_s = time.monotonic()
        taken_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        captured_at_s = min(taken_s, now_s) if taken_s > now_s - OLDEST_S else now_s
        # OpenCV forgets the shape of what comes as BGR already.
        bgr = np.asarray(pixels, np.uint8).reshape(self._shape)
        return Shot(bgr, self.name, captured_at_s=captured_at_s)

    def _disconnect(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
