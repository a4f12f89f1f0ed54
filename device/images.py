"""Image files: listed, decoded strictly, and encoded as JPEG."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from device.errors import SourceError
from device.records import Pixels

PNG_END = b"IEND\xaeB`\x82"  # the last chunk's name and checksum
MIN_SIDE = 16  # pixels: nothing can be recognised on less
JPEG_QUALITY = 90  # of 100
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


def _jpeg_ends(data: bytes) -> bool:
    """Whether a JPEG has its end marker; a thumbnail's, or one in a trailing video, is not it."""
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        marker = data[at + 1]
        if marker == 0xD9:
            return True
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker <= 0x01 or 0xD0 <= marker <= 0xD8:  # a byte 255 of a scan, or a restart
            at += 2
        else:  # a segment; of a scan its header, after which come its bytes
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def read_image(path: Path) -> Pixels:
    """Decode one image file to uint8 BGR, upright and without alpha.

    Raises ``SourceError`` for a file that is missing, empty, truncated, no picture, or smaller
    than 16 x 16 pixels. OpenCV fills the rest of a truncated JPEG or PNG with grey and says
    nothing, so the end marker is looked for here.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from exc
    if not data:
        raise SourceError(f"{path}: empty file")
    if (data.startswith(b"\xff\xd8") and not _jpeg_ends(data)) or (
        data.startswith(b"\x89PNG") and PNG_END not in data
    ):
        raise SourceError(f"{path}: truncated picture")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:  # such as more pixels than OpenCV allows
        raise SourceError(f"{path}: OpenCV cannot decode it ({exc.err})") from exc
    if pixels is None:
        raise SourceError(f"{path}: not a picture that OpenCV can decode")
    height, width = pixels.shape[:2]
    if min(width, height) < MIN_SIDE:
        raise SourceError(
            f"{path}: {width}x{height} pixels, at least {MIN_SIDE}x{MIN_SIDE} are needed"
        )
    return np.asarray(pixels, np.uint8)


def list_images(folder: Path) -> list[Path]:
    """All files below ``folder`` named like images, in order of their paths.

    Links to folders are not followed, as they may lead back. A folder that may not be read counts
    as empty.
    """
    found: list[Path] = []
    for place, _, names in os.walk(folder):  # pathlib has a walk from Python 3.12 on
        found += [Path(place, name) for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    return sorted(found)


def encode_jpeg(image: Pixels) -> bytes:
    """``image`` as the bytes of a JPEG file."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert ok, "OpenCV encodes any 8-bit picture"
    return data.tobytes()
