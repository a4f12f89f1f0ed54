"""Stands in for libcamera's Python binding, so that the real Picamera2 runs without a Pi.

What of it Picamera2 touches is here with libcamera's names and behaviour; cameras are simulated:
at their rate they fill the buffers of the oldest waiting request, all streams from one picture,
with padded rows as the hardware writes them. :data:`simulation` says what they see, and how they
fail.
"""

from __future__ import annotations

import enum
import mmap
import os
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from tests.helpers.scene import corners

ROW_ALIGNMENT = 64  # bytes


@dataclass
class Simulation:
    """What the cameras do."""

    count: int = 1
    fps: float = 100.0
    scene: Callable[[int], np.ndarray] = corners
    busy: bool = False  # taken by another program
    silent: bool = False  # no frame comes any more
    frozen: bool = False  # the same frame comes again and again
    formats: tuple[str, ...] = ("RGB888", "BGR888", "XBGR8888", "YUV420")
    configured: list[CameraConfiguration] = field(default_factory=list)
    controls: dict[str, object] = field(default_factory=dict)  # by name, as they were last set
    age_s: float = 0.0  # since a frame was exposed, when it is handed over


simulation = Simulation()


class ControlType(enum.Enum):
    Integer = 1
    Rectangle = 2
    Size = 3


class ControlId:
    def __init__(self, name: str, kind: ControlType = ControlType.Integer) -> None:
        self.name, self.type = name, kind


@dataclass
class ControlInfo:
    min: object
    max: object
    default: object


class Size:
    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width, self.height = width, height


class Rectangle:
    def __init__(self, x: int, y: int, width: int, height: int) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height


class PixelFormat:
    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name


class Transform:
    def __init__(
        self, other: Transform | None = None, hflip: bool = 0, vflip: bool = 0, transpose: bool = 0
    ) -> None:
        self.hflip, self.vflip, self.transpose = bool(hflip), bool(vflip), bool(transpose)
        if other is not None:
            self.__dict__.update(other.__dict__)

    def __str__(self) -> str:
        return f"Transform({self.__dict__})"


Orientation = enum.Enum(
    "Orientation",
    "Rotate0 Rotate0Mirror Rotate180 Rotate180Mirror Rotate90 Rotate90Mirror Rotate270 "
    "Rotate270Mirror",
)
MIRRORS = {  # the orientations that a sensor can make: horizontal and vertical
    Orientation.Rotate0: (False, False),
    Orientation.Rotate0Mirror: (True, False),
    Orientation.Rotate180Mirror: (False, True),
    Orientation.Rotate180: (True, True),
}


class ColorSpace:
    YcbcrEncoding = enum.Enum("YcbcrEncoding", "Null Rec601 Rec709")
    Range = enum.Enum("Range", "Full Limited")

    def __init__(self, other: ColorSpace) -> None:
        self.__dict__.update(other.__dict__)

    def __str__(self) -> str:
        return f"ColorSpace({self.__dict__})"

    @classmethod
    def _of(cls, primaries: str, transfer: str, encoding: str, reach: str) -> ColorSpace:
        space = cls.__new__(cls)
        space.primaries, space.transferFunction = primaries, transfer
        space.ycbcrEncoding, space.range = cls.YcbcrEncoding[encoding], cls.Range[reach]
        return space

    @classmethod
    def Sycc(cls) -> ColorSpace:  # noqa: N802
        return cls._of("rec709", "srgb", "Rec601", "Full")

    @classmethod
    def Smpte170m(cls) -> ColorSpace:  # noqa: N802
        return cls._of("smpte170m", "rec709", "Rec601", "Limited")

    @classmethod
    def Rec709(cls) -> ColorSpace:  # noqa: N802
        return cls._of("rec709", "rec709", "Rec709", "Limited")

    @classmethod
    def Raw(cls) -> ColorSpace:  # noqa: N802
        return cls._of("raw", "linear", "Null", "Full")


class StreamRole(enum.Enum):
    Raw = 0
    StillCapture = 1
    VideoRecording = 2
    Viewfinder = 3


class FrameMetadata:
    Status = enum.Enum("Status", "Success Error Cancelled")


class FrameBuffer:
    class Plane:
        fd = offset = length = 0

    def __init__(self, planes: list[Plane]) -> None:
        self.planes = planes
        self.metadata = types.SimpleNamespace(status=FrameMetadata.Status.Success)


class StreamFormats:
    def __init__(self, sizes: dict[str, list[Size]]) -> None:
        self._sizes = sizes

    @property
    def pixel_formats(self) -> list[PixelFormat]:
        return [PixelFormat(name) for name in self._sizes]

    def sizes(self, pixel_format: PixelFormat) -> list[Size]:
        return self._sizes[str(pixel_format)]


class StreamConfiguration:
    def __init__(self) -> None:
        self.size, self.pixel_format = Size(800, 600), PixelFormat("XBGR8888")
        self.buffer_count, self.stride, self.frame_size = 4, 0, 0
        self.color_space: ColorSpace | None = None
        self.stream = object()
        self.formats = StreamFormats({"SRGGB10_CSI2P": [Size(1640, 1232), Size(3280, 2464)]})

    def validate(self) -> bool:
        """Fill in the memory that frames take; whether nothing had to be adjusted."""
        name, width, height = str(self.pixel_format), self.size.width, self.size.height
        asked = name, width, height
        if name not in simulation.formats:
            name = simulation.formats[0]
        width, height = width // 2 * 2, height // 2 * 2
        self.pixel_format, self.size = PixelFormat(name), Size(width, height)
        row = width * {"YUV420": 1, "XBGR8888": 4}.get(name, 3)
        self.stride = -(-row // ROW_ALIGNMENT) * ROW_ALIGNMENT
        rows = height * 3 // 2 if name == "YUV420" else height
        self.frame_size = self.stride * rows
        return asked == (name, width, height)

    def write(self, buffer: FrameBuffer, image: np.ndarray) -> None:
        """Scale a picture into a buffer, as the image processor does."""
        width, height = self.size.width, self.size.height
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
        name = str(self.pixel_format)
        with mmap.mmap(buffer.planes[0].fd, self.frame_size) as memory:
            rows = np.frombuffer(memory, np.uint8).reshape(-1, self.stride)
            rows[:] = 77  # what padding holds
            if name == "YUV420":
                padded = np.zeros((height, self.stride, 3), np.uint8)
                padded[:, :width] = image
                rows[:] = cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420)
            else:
                assert name in ("RGB888", "BGR888"), name
                blue_first = image if name == "RGB888" else image[:, :, ::-1]
                rows[:, : 3 * width] = blue_first.reshape(height, -1)
            del rows


class SensorConfiguration:
    bit_depth = 10
    output_size = Size(1640, 1232)


class CameraConfiguration:
    Status = enum.Enum("Status", "Valid Adjusted Invalid")

    def __init__(self, roles: list[StreamRole]) -> None:
        self._streams = [StreamConfiguration() for _ in roles]
        self.orientation = Orientation.Rotate0
        self.sensor_config: SensorConfiguration | None = None

    def at(self, index: int) -> StreamConfiguration:
        return self._streams[index]

    def __iter__(self):
        return iter(self._streams)

    def validate(self) -> CameraConfiguration.Status:
        same = [stream.validate() for stream in self._streams]
        if self.orientation not in MIRRORS:
            self.orientation = Orientation.Rotate0
            same.append(False)
        return self.Status.Valid if all(same) else self.Status.Adjusted


class Request:
    Status = enum.Enum("Status", "Pending Complete Cancelled")

    def __init__(self, cookie: int) -> None:
        self.cookie = cookie
        self.buffers: dict[object, FrameBuffer] = {}
        self.metadata: dict[ControlId, object] = {}
        self.status = self.Status.Pending

    def add_buffer(self, stream: object, buffer: FrameBuffer) -> None:
        self.buffers[stream] = buffer

    def reuse(self) -> None:
        self.status = self.Status.Pending

    def set_control(self, control: ControlId, value: object) -> None:
        simulation.controls[control.name] = value


class Camera:
    def __init__(self, number: int) -> None:
        self.id = f"/base/soc/i2c0mux/i2c@{number}/imx219@10"
        self.controls = {
            controls.FrameDurationLimits: ControlInfo(100, 1_000_000, 33_333),
            controls.NoiseReductionMode: ControlInfo(0, 4, 0),
        }
        self.properties = {
            ControlId("Model"): "imx219",
            ControlId("Location"): 2,
            ControlId("Rotation"): 180,
            ControlId("ColorFilterArrangement"): 0,
        }
        self._waiting: deque[Request] = deque()
        self._running = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0

    def acquire(self) -> None:
        if simulation.busy:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")

    def release(self) -> None:
        assert not self._running.is_set(), "released while it runs"

    def generate_configuration(self, roles: list[StreamRole]) -> CameraConfiguration:
        return CameraConfiguration(roles)

    def configure(self, config: CameraConfiguration) -> int:
        self._config = config
        simulation.configured.append(config)
        return 0

    def create_request(self, cookie: int) -> Request:
        return Request(cookie)

    def queue_request(self, request: Request) -> None:
        self._waiting.append(request)

    def start(self, wanted: dict[ControlId, object]) -> None:
        simulation.controls = {control.name: value for control, value in wanted.items()}
        self._running.set()
        self._thread = threading.Thread(target=self._run, name="simulated camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._running.clear()
        self._thread.join()
        self._waiting.clear()

    def _run(self) -> None:
        while self._running.is_set():
            time.sleep(1 / simulation.fps)
            if simulation.silent:
                continue
            self._number += not simulation.frozen
            if self._waiting:
                request = self._waiting.popleft()
                self._fill(request)
                CameraManager.singleton().hand_over(request)

    def _fill(self, request: Request) -> None:
        stamp_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - round(simulation.age_s * 1e9)
        hflip, vflip = MIRRORS[self._config.orientation]
        image = simulation.scene(self._number)[:: -1 if vflip else 1, :: -1 if hflip else 1]
        for stream in self._config:
            stream.write(request.buffers[stream.stream], np.ascontiguousarray(image))
        request.metadata = {ControlId("SensorTimestamp"): stamp_ns}
        request.status = Request.Status.Complete


class CameraManager:
    _only: CameraManager | None = None

    def __init__(self) -> None:
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._ready: deque[Request] = deque()
        self._known: list[Camera] = []

    @classmethod
    def singleton(cls) -> CameraManager:
        if cls._only is None:
            cls._only = cls()
        return cls._only

    @property
    def cameras(self) -> list[Camera]:
        while len(self._known) < simulation.count:
            self._known.append(Camera(len(self._known)))
        return self._known[: simulation.count]

    def hand_over(self, request: Request) -> None:
        self._ready.append(request)
        os.eventfd_write(self.event_fd, 1)

    def get_ready_requests(self) -> list[Request]:
        try:
            os.eventfd_read(self.event_fd)
        except BlockingIOError:
            return []
        ready = []
        while self._ready:
            ready.append(self._ready.popleft())
        return ready


controls = types.ModuleType("libcamera.controls")
for _name in (
    "FrameDurationLimits",
    "NoiseReductionMode",
    "ExposureTime",
    "ExposureTimeMode",
    "AnalogueGain",
    "AnalogueGainMode",
):
    setattr(controls, _name, ControlId(_name))
controls.draft = types.SimpleNamespace(
    NoiseReductionModeEnum=enum.Enum("NoiseReductionModeEnum", "Minimal Fast HighQuality")
)
sys.modules["libcamera.controls"] = controls
_libcamera = sys.modules[__name__]  # where the binding proper lives in the real one
