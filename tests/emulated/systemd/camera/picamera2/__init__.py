"""A camera with the part of Picamera2's interface that a run uses, and its ways to fail.

``/run/camera/hang``: the next frame never comes, nor does the call return that waits for it; once
for each text in that file.
``/run/camera/gone``: libcamera sees no camera, and frames come no more, as long as that file is.
"""

import time
from pathlib import Path

import numpy as np

HANG, GONE = Path("/run/camera/hang"), Path("/run/camera/gone")
HUNG = Path("hung")  # in the folder of the service, which may write nowhere else: which it was
FRAME_S = 0.5


class _Platform:
    name = "VC4"


class _Request:
    def __init__(self, camera: "Picamera2") -> None:
        self._camera = camera

    def make_array(self, stream: str) -> np.ndarray:
        width, height = self._camera.config[stream]["size"]
        noise = np.random.default_rng()
        if stream == "main":
            return noise.integers(0, 256, (height, width, 3), np.uint8)
        return noise.integers(0, 256, (height * 3 // 2, width), np.uint8)

    def get_metadata(self) -> dict[str, int]:
        return {}

    def release(self) -> None:
        """Nothing is held."""


class Picamera2:
    """As Picamera2's."""

    platform = _Platform()

    @staticmethod
    def global_camera_info() -> list[dict[str, str]]:
        return [] if GONE.exists() else [{"Model": "imx219"}]

    def __init__(self, number: int) -> None:
        self.config: dict = {}

    def create_video_configuration(self, main: dict, lores: dict | None, **_: object) -> dict:
        return {"main": main, "lores": lores}

    def configure(self, config: dict) -> None:
        self.config = config

    def camera_configuration(self) -> dict:
        return self.config

    def start(self) -> None:
        """Frames come as they are asked for."""

    def close(self) -> None:
        """Nothing is held."""

    def capture_request(self, wait: bool) -> object:
        return object()

    def wait(self, job: object, timeout: float) -> _Request:
        if HANG.exists() and (not HUNG.exists() or HUNG.read_text() != HANG.read_text()):
            HUNG.write_text(HANG.read_text())
            while True:
                time.sleep(3600)
        if GONE.exists():
            time.sleep(timeout)
            raise TimeoutError
        time.sleep(FRAME_S)
        return _Request(self)
