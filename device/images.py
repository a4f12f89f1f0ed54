"""Image files: listed, decoded strictly, and encoded as JPEG."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.errors import SourceError
from device.file_kinds import undecoded_format
from device.file_search import FolderListing, find_files
from device.image_header import MAX_PIXELS, image_size, jpeg_segments, read_header
from device.orientation import Orientation
from device.records import Pixels

MAX_FILE_BYTES = 512 << 20
MOST_OF_A_PART = 16 << 20  # bytes that a part of a small PNG may claim and not have
SMALL_RANGE = 0.25  # of 16 bits: with less in use, their upper 8 would be nearly all the same
SCALED_QUANTILES = (0.005, 0.995)  # a dead pixel decides nothing

PNG_END = b"IEND\xaeB`\x82"  # the last chunk's name and checksum
NOT_A_PICTURE = "not a picture that OpenCV can decode"
MIN_SIDE = 16  # pixels: nothing can be recognised on less
JPEG_QUALITY = 90  # of 100
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


def read_image(path: Path, warn: Callable[[str], None] = lambda _: None) -> Pixels:
    """Decode one image file to uint8 BGR, upright and without alpha.

    Of a file with several images it is the first. One with 16 bits per channel of which a small
    range is used, as thermal cameras make them, is stretched to that range, and ``warn`` is told.
    Raises ``SourceError`` for a file that is missing, empty, truncated, no picture, or has fewer
    than 16 x 16 or more than 64 million pixels. OpenCV fills the rest of a truncated JPEG or PNG
    with grey and says nothing, so the end marker is looked for here.
    """
    data = read_bytes(path)
    if (data.startswith(b"\xff\xd8") and not _jpeg_ends(data)) or (
        data.startswith(b"\x89PNG") and PNG_END not in data
    ):
        raise SourceError(f"{path}: truncated picture")
    pixels = decode_image(data, str(path), warn)
    height, width = pixels.shape[:2]
    if min(width, height) < MIN_SIDE:
        raise SourceError(
            f"{path}: {width}x{height} pixels, at least {MIN_SIDE}x{MIN_SIDE} are needed"
        )
    return pixels


def read_bytes(path: Path) -> bytes:
    """The content of an image file. Raises ``SourceError`` for none, or more than 512 MiB."""
    try:
        about = path.stat()
        size = about.st_size
        if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(
            about.st_mode
        ):  # it would be waited for without end
            raise SourceError(f"{path}: no regular file, but a pipe or a device")
        if size > MAX_FILE_BYTES:
            raise SourceError(
                f"{path}: {size / 1e6:.0f} MB, more than any picture that can be decoded here"
            )
        data = path.read_bytes()
    except SourceError:
        raise
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from exc
    if not data:
        raise SourceError(f"{path}: empty file")
    return data


def check_pixels(data: bytes, name: str) -> None:
    """Raise ``SourceError`` where ``data`` would be decoded to more pixels than are allowed."""
    size_wh = image_size(data)
    if size_wh is not None:
        check_size(size_wh, name)


def check_size(size_wh: tuple[int, int], name: str) -> None:
    """Raise ``SourceError`` for more pixels than are allowed."""
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"{name}: {width}x{height} pixels, at most {MAX_PIXELS / 1e6:.0f} million are "
            "decoded; make it smaller first"
        )


def decode_image(data: bytes, name: str, warn: Callable[[str], None] = lambda _: None) -> Pixels:
    """Decode an image in memory to uint8 BGR, upright; ``name`` is for messages.

    Raises ``SourceError`` for what is no image, or has too many pixels.
    """
    check_pixels(data, name)
    header = None if data.startswith(b"\xff\xd8") else read_header(data)
    if header is not None and header.longest > max(len(data), MOST_OF_A_PART):
        # OpenCV fills memory for as much as a part claims: 2 GB for a file of 200 bytes.
        raise SourceError(
            f"{name}: damaged: a part of {header.longest} bytes in a file of {len(data)}"
        )
    deep = header is not None and header.bits == 16
    flags = cv2.IMREAD_COLOR | (cv2.IMREAD_ANYDEPTH if deep else 0)
    # WebP is left as it lies by one OpenCV and laid upright by another.
    turned = header is not None and header.kind == "WebP"
    flags |= cv2.IMREAD_IGNORE_ORIENTATION if turned else 0
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as exc:  # such as more pixels than OpenCV allows
        raise SourceError(f"{name}: OpenCV cannot decode it ({exc.err})") from exc
    if pixels is None:
        raise SourceError(f"{name}: {undecoded_format(name, data) or NOT_A_PICTURE}")
    if pixels.dtype == np.uint16:
        pixels = _to_eight_bits(np.asarray(pixels, np.uint16), name, warn)
    upright = np.asarray(pixels, np.uint8)
    if turned and header is not None:
        upright = Orientation.of_exif(header.orientation).apply(upright)
    return upright


def _to_eight_bits(
    pixels: NDArray[np.uint16], name: str, warn: Callable[[str], None]
) -> NDArray[np.uint8]:
    """16 bits as 8: the upper half of each number, or where few are used those stretched."""
    low, high = (float(np.quantile(pixels, fraction)) for fraction in SCALED_QUANTILES)
    if high - low >= SMALL_RANGE * 65_535 or high <= low:
        return np.asarray(pixels >> 8, np.uint8)
    warn(f"{name}: 16 bits, of which {low:.0f} to {high:.0f} are used: scaled to 0 to 255")
    scaled = (pixels.astype(np.float32) - low) * (255 / (high - low))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def _jpeg_ends(data: bytes) -> bool:
    """Whether a JPEG has its end marker; a thumbnail's, or one in a trailing video, is not it."""
    return any(marker == 0xD9 for marker, _ in jpeg_segments(data))


def read_page(path: Path, page: int) -> Pixels:
    """Decode one page of a TIFF, from 0, to uint8 BGR. Raises ``SourceError``."""
    try:
        ok, pages = cv2.imreadmulti(str(path), page, 1, flags=cv2.IMREAD_COLOR)
    except cv2.error as exc:
        raise SourceError(f"{path}: OpenCV cannot decode page {page + 1} ({exc.err})") from exc
    if not ok or not pages:
        raise SourceError(f"{path}: page {page + 1} cannot be decoded")
    return np.asarray(pages[0], np.uint8)


def find_images(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> FolderListing:
    """All files below ``folder`` named like images; see :func:`find_files`."""
    return find_files(folder, suffixes)


def list_images(folder: Path) -> list[Path]:
    """The images of :func:`find_images`."""
    return find_images(folder).files


def encode_jpeg(image: Pixels) -> bytes:
    """``image`` as the bytes of a JPEG file."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert ok, "OpenCV encodes any 8-bit picture"
    return data.tobytes()
