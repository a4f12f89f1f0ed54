"""The probe of an image file: its size, its orientation, and a hash of what it shows.

Full decoding is for training; here a JPEG is decoded at an eighth of its size.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from device.errors import SourceError
from device.image_hash import difference_hash
from device.image_header import MAX_PIXELS, read_header
from device.images import MIN_SIDE, read_bytes, read_image

HASHED_SIDE = 64  # pixels that the longer side keeps at least when it is decoded for the hash
TURNED = (5, 6, 7, 8)  # EXIF's orientations in which width and height change places
BATCH = 512  # files waiting for a thread


@dataclass(frozen=True, slots=True)
class ImageProbe:
    """What is known of an image without its pixels.

    ``width`` and ``height`` are of the upright image; ``orientation`` is EXIF's, 1 to 8, by
    which the stored one becomes upright. ``hash`` is 64 bits that survive scaling and
    compression.
    """

    path: Path
    width: int
    height: int
    orientation: int
    hash: int

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height in pixels of the image as it lies in the file."""
        turned = self.orientation in TURNED
        return (self.height, self.width) if turned else (self.width, self.height)


def probe_image(path: Path) -> ImageProbe:
    """Look at one file. Raises ``SourceError`` where it is no image that can be trained on."""
    data = read_bytes(path)
    header = read_header(data)
    if header is None or header.kind != "JPEG":
        pixels = read_image(path)  # seldom, and refused there for what is wrong with it
        height, width = pixels.shape[:2]
        orientation = header.orientation if header else 1
        thumbnail = cv2.resize(pixels, (HASHED_SIDE, HASHED_SIDE), interpolation=cv2.INTER_AREA)
    else:
        orientation = header.orientation
        width, height = header.width, header.height
        if width * height > MAX_PIXELS:
            raise SourceError(
                f"{path}: {width}x{height} pixels, more than {MAX_PIXELS / 1e6:.0f} million"
            )
        if min(width, height) < MIN_SIDE:
            raise SourceError(f"{path}: {width}x{height} pixels, at least {MIN_SIDE} are needed")
        if orientation in TURNED:
            width, height = height, width
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), _reduction(max(width, height)))
        if decoded is None:
            raise SourceError(f"{path}: not an image that OpenCV can decode")
        thumbnail = decoded
    rgb = cv2.cvtColor(thumbnail, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    return ImageProbe(path, width, height, orientation, difference_hash(rgb))


def probe_images(paths: Iterable[Path]) -> Iterator[ImageProbe | SourceError]:
    """Probe many files on all processors, in their order; of one that fails its error."""

    def probe(path: Path) -> ImageProbe | SourceError:
        try:
            return probe_image(path)
        except SourceError as exc:
            return exc
        except (OSError, cv2.error) as exc:
            return SourceError(f"{path}: {exc}")

    waiting = iter(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := list(islice(waiting, BATCH)):
            yield from pool.map(probe, batch)


def _reduction(longer_side: int) -> int:
    """OpenCV's flag for the smallest decoded size that still keeps ``HASHED_SIDE`` pixels."""
    for divisor, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if longer_side >= HASHED_SIDE * divisor:
            return flag
    return cv2.IMREAD_COLOR
