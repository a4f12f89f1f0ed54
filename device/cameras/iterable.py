"""A camera over images in memory: for tests, and for a pipeline without a camera."""

from __future__ import annotations

from collections.abc import Iterable

from device.cameras.base import DEFAULTS, Camera, CameraOptions, Shot
from device.records import Pixels


class IterableCamera(Camera):
    """A camera over images in memory: for tests, and to try a pipeline without a camera.

    ``images`` are uint8 (height, width, 3), blue, green, red, and may be an endless iterator; each
    is an array of its own, for several are on their way at once.
    """

    def __init__(
        self,
        images: Iterable[Pixels],
        fps: float | None = None,
        options: CameraOptions = DEFAULTS,
    ) -> None:
        super().__init__(options)
        self._images = iter(images)
        self.fps = fps

    def _read(self) -> Shot | None:
        pixels = next(self._images, None)
        return None if pixels is None else Shot(pixels)
