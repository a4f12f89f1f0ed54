"""Image headers: size, depth, orientation and number of frames, read before anything is decoded.

A file of a few megabytes may ask for gigabytes of pixels. What is said here is read by position
and never trusted further: an offset beyond the data ends the reading.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_PIXELS = 64_000_000  # of an image, 192 MB decoded: a phone's 50 megapixels are fewer
EXIF_ORIENTATION = 0x0112
EXIF_START = b"Exif\0\0"
MAX_FRAMES = 10_000  # counted; more are as many as these
TIFF_STARTS = {b"II*\0": "<", b"MM\0*": ">"}
TIFF_WIDTH, TIFF_HEIGHT, TIFF_BITS = 256, 257, 258


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image file says of itself."""

    kind: str  # JPEG, PNG, WebP, TIFF, BMP or GIF
    width: int
    height: int
    bits: int = 8  # per channel
    orientation: int = 1  # as EXIF has it, 1 to 8
    frames: int = 1  # pages or pictures of an animation; of a JPEG those of one size in a row
    longest: int = field(
        default=0, compare=False
    )  # bytes that the longest part of a PNG claims to have


def read_header(data: bytes) -> ImageHeader | None:
    """The header of ``data``, a whole file; None where the format is unknown or it is damaged."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[:4] in TIFF_STARTS:
            return _tiff(data)
        if data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
            return ImageHeader("BMP", abs(width), abs(height))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack_from("<HH", data, 6)
            return ImageHeader("GIF", width, height, frames=_gif_frames(data))
    except (struct.error, IndexError):
        pass
    return None


def limit_decoders() -> None:
    """Have OpenCV decode no more than ``MAX_PIXELS``, of formats that are not read here too.

    OpenCV looks once, when it is loaded; its own limit is a thousand million.
    """
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of ``data``; of a JPEG without looking further than need be."""
    if not data.startswith(b"\xff\xd8"):
        header = read_header(data)
        return None if header is None else (header.width, header.height)
    for marker, at in jpeg_segments(data):
        if _is_frame(marker) and at + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
    return None


def _is_frame(marker: int) -> bool:
    """Whether a JPEG's segment is a frame header (SOF)."""
    return 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)


def jpeg_segments(data: bytes, at: int = 0) -> Iterator[tuple[int, int]]:
    """Markers of the JPEG that begins ``at``, and where each begins; the last is its end (D9).

    A thumbnail inside, or a video after it, is not taken for a part of it.
    """
    at += 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker <= 0x01 or 0xD0 <= marker <= 0xD8:  # a byte 255 of a scan, or a restart
            at += 2
        else:  # a segment; of a scan its header, after which come its bytes
            yield marker, at
            if marker == 0xD9:
                return
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _jpeg(data: bytes) -> ImageHeader | None:
    first = _one_jpeg(data, 0)
    if first is None:
        return None
    width, height, bits, orientation, end, several = first
    frames = 1
    # Of photographs with several pictures (MPF) the first is meant.
    while not several and frames < MAX_FRAMES and data[end : end + 2] == b"\xff\xd8":
        following = _one_jpeg(data, end)
        if following is None or following[:2] != (width, height):
            break
        frames, end = frames + 1, following[4]
    return ImageHeader("JPEG", width, height, bits, orientation, frames)


def _one_jpeg(data: bytes, start: int) -> tuple[int, int, int, int, int, bool] | None:
    """Width, height, bits, orientation, where it ends, and whether it is one of several."""
    size: tuple[int, int, int] | None = None
    orientation, several = 1, False
    for marker, at in jpeg_segments(data, start):
        content = at + 4
        if marker == 0xE1 and data[content : content + 6] == EXIF_START:
            length = int.from_bytes(data[at + 2 : at + 4], "big") - 2
            orientation = _exif_orientation(data[content + 6 : content + length])
        elif marker == 0xE2 and data[content : content + 4] == b"MPF\0":
            several = True
        elif _is_frame(marker):
            bits, height, width = struct.unpack_from(">BHH", data, content)
            size = size or (width, height, bits)
        elif marker == 0xD9:
            return size and (*size, orientation, at + 2, several)
    return size and (*size, orientation, len(data), several)


def _png(data: bytes) -> ImageHeader:
    width, height, bits = struct.unpack_from(">IIB", data, 16)
    orientation, frames, at, longest = 1, 1, 8, 0
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        longest = max(longest, length)
        name, content = data[at + 4 : at + 8], at + 8
        if name == b"eXIf":
            orientation = _exif_orientation(data[content : content + length])
        elif name == b"acTL":
            (frames,) = struct.unpack_from(">I", data, content)
        elif name == b"IEND":
            break
        at = content + length + 4
    frames = max(1, min(frames, MAX_FRAMES))
    return ImageHeader("PNG", width, height, bits, orientation, frames, longest)


def _webp(data: bytes) -> ImageHeader | None:
    size: tuple[int, int] | None = None
    orientation, frames, at = 1, 0, 12
    while at + 8 <= len(data):
        name, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        content = at + 8
        if name == b"VP8X":
            width, height = (int.from_bytes(data[content + x : content + x + 3], "little")
                             for x in (4, 7))  # fmt: skip
            size = width + 1, height + 1
        elif name == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", data, content + 6)
            size = width & 0x3FFF, height & 0x3FFF
        elif name == b"VP8L" and size is None:
            (packed,) = struct.unpack_from("<I", data, content + 1)
            size = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        elif name == b"ANMF":
            frames += 1
        elif name == b"EXIF":
            orientation = _exif_orientation(data[content : content + length])
        at = content + length + length % 2
    return size and ImageHeader("WebP", *size, 8, orientation, max(1, min(frames, MAX_FRAMES)))


def _tiff(data: bytes) -> ImageHeader | None:
    order = TIFF_STARTS[data[:4]]
    (at,) = struct.unpack_from(order + "I", data, 4)
    first: dict[int, int] | None = None
    pages, known = 0, set()
    while at and at not in known and pages < MAX_FRAMES:
        known.add(at)
        tags, at = _directory(data, at, order)
        first, pages = first or tags, pages + 1
    if not first or TIFF_WIDTH not in first or TIFF_HEIGHT not in first:
        return None
    # OpenCV lays TIFF images down as their orientation says.
    return ImageHeader(
        "TIFF", first[TIFF_WIDTH], first[TIFF_HEIGHT], first.get(TIFF_BITS, 1), frames=pages
    )


def _directory(data: bytes, at: int, order: str) -> tuple[dict[int, int], int]:
    """The first value of every tag of a TIFF directory, and where the next directory is."""
    (count,) = struct.unpack_from(order + "H", data, at)
    tags: dict[int, int] = {}
    for number in range(count):
        entry = at + 2 + 12 * number
        tag, kind, values = struct.unpack_from(order + "HHI", data, entry)
        form = {3: "H", 4: "I"}.get(kind)
        if form is None:
            continue
        place = entry + 8
        if values * struct.calcsize(form) > 4:
            (place,) = struct.unpack_from(order + "I", data, place)
        (tags[tag],) = struct.unpack_from(order + form, data, place)
    (following,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    return tags, following


def _exif_orientation(exif: bytes) -> int:
    """The orientation that ``exif`` has, 1 (as it is) where it has none."""
    exif = exif.removeprefix(EXIF_START)
    order = TIFF_STARTS.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        tags, _ = _directory(exif + bytes(4), at, order)
    except struct.error:
        return 1
    found = tags.get(EXIF_ORIENTATION, 1)
    return found if 1 <= found <= 8 else 1


def _gif_frames(data: bytes) -> int:
    """The number of images in a GIF."""

    def colours(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    def skip_blocks(at: int) -> int:
        while data[at]:
            at += 1 + data[at]
        return at + 1

    at, frames = 13 + colours(data[10]), 0
    while at < len(data) and frames < MAX_FRAMES:
        if data[at] == 0x21:  # an extension
            at = skip_blocks(at + 2)
        elif data[at] == 0x2C:  # an image
            frames += 1
            at = skip_blocks(at + 11 + colours(data[at + 9]))
        else:
            break
    return max(1, frames)
