"""Perceptual hashes: 64 bits of an image that survive scaling, noise and compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from device.records import Pixels

SAME_BITS = 4  # of 64: at most so many differ between two encodings of one image
THUMBNAIL = 64  # pixels a side


def difference_hash(thumbnail: NDArray[np.float32]) -> int:
    """Hash of an image: is each cell of a coarse grid brighter than the one on its left.

    ``thumbnail``: float32 (height, width, 3), RGB, 0..1. It is averaged to 8 rows of 9 cells.
    Method: N. Krawetz, "Kind of Like That" (2013).
    """
    cells = cv2.resize(thumbnail, (9, 8), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(cells, cv2.COLOR_RGB2GRAY)
    # A quarter of a level, or the rounding of floats would decide in skies clipped to white.
    brighter = grey[:, 1:] - grey[:, :-1] > 1e-3
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")


def frame_hash(pixels: Pixels) -> int:
    """:func:`difference_hash` of a frame, uint8 (height, width, 3) BGR."""
    small = cv2.resize(pixels, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    return difference_hash(rgb)


def bits_apart(one: int, other: int) -> int:
    """How many of the 64 bits of two hashes differ."""
    return (one ^ other).bit_count()
