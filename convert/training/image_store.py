"""The image store: training images, decoded once and kept small on disk.

Decoding a 12-megapixel JPEG takes as long as training on two images. What an epoch after the
first needs is a JPEG of twice the network's input, which decodes in two milliseconds; memory holds
none of them, however many there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from convert.errors import DatasetError
from convert.training.checkpoint import space_advice
from convert.training.dataset import TrainingImage
from device.errors import SourceError
from device.images import read_image
from device.records import Pixels
from device.system.atomic_file import write_whole

ZOOM = 2  # sides kept, in sides of the input: what a crop of a quarter of an image needs
QUALITY = 95  # of 100


class ImageStore:
    """Small copies of images in ``folder``, made when they are first asked for."""

    def __init__(
        self,
        images: Sequence[TrainingImage],
        folder: Path,
        size: int,
        warn: Callable[[str], None],
    ) -> None:
        """``size``: the network's input side; ``warn`` hears of images that became unreadable."""
        self._images = images
        self._folder = folder / f"images-{size}"
        self._side = ZOOM * size
        self._warn = warn
        self._gone: set[int] = set()
        self._folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return len(self._images)

    def read(self, number: int) -> Pixels:
        """Image ``number``, uint8 (height, width, 3) BGR, its longer side at most twice ``size``.

        One that can no longer be read is told once, and the next one stands in for it. Raises
        :class:`DatasetError` where none can be read any more.
        """
        return self.read_with_number(number)[1]

    def read_with_number(self, number: int) -> tuple[int, Pixels]:
        """The image and which one it is, for one that vanished is stood in for by the next."""
        for offset in range(len(self._images)):
            candidate = (number + offset) % len(self._images)
            if candidate in self._gone:
                continue
            pixels = self._load(candidate)
            if pixels is not None:
                return candidate, pixels
        raise DatasetError("not one of the training images can be read any more")

    def _load(self, number: int) -> Pixels | None:
        copy = self._folder / self._name(number)
        try:
            data = copy.read_bytes()
        except FileNotFoundError:
            data = b""
        if not data:
            try:
                data = self._shrink(read_image(self._images[number].path))
            except SourceError as exc:
                self._gone.add(number)
                self._warn(f"skipped: {exc}")
                return None
            write_whole(copy, data, space_advice(self._folder.parent))
        return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)

    def _name(self, number: int) -> str:
        """By the image's path: its number is another's when images are added between two runs."""
        path = str(self._images[number].path.absolute()).encode("utf-8", "surrogateescape")
        return f"{hashlib.blake2b(path, digest_size=16).hexdigest()}.jpg"

    def _shrink(self, pixels: Pixels) -> bytes:
        height, width = pixels.shape[:2]
        scale = self._side / max(height, width)
        if scale < 1:
            target = max(1, round(width * scale)), max(1, round(height * scale))
            pixels = np.asarray(cv2.resize(pixels, target, interpolation=cv2.INTER_AREA), np.uint8)
        ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        assert ok, "OpenCV encodes any 8-bit picture"
        return data.tobytes()
