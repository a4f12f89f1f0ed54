from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.image_header import ImageHeader, image_size, read_header
from tests.device.conftest import encode

NOISE = np.random.default_rng(3).integers(0, 256, (30, 40, 3), np.uint8)
ENDINGS = {".jpg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".webp": "WebP"}


def exif(orientation: int) -> bytes:
    """What EXIF says of an image that lies so."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    jpeg = encode(NOISE, ".jpg")
    packed = b"".join(
        bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content
        for marker, content in segments
    )
    return jpeg[:2] + packed + jpeg[2:]


def png_with(name: bytes, content: bytes) -> bytes:
    png = encode(NOISE, ".png")
    return png[:33] + len(content).to_bytes(4, "big") + name + content + bytes(4) + png[33:]


def webp_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """An extended WebP: its canvas, the chunks, and the image."""
    image = encode(NOISE, ".webp")[12:]
    size = (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
    head = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + size
    packed = b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for name, content in chunks
    )
    body = b"WEBP" + head + image + packed
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(frames: int, size_wh: tuple[int, int] = (40, 30)) -> bytes:
    """A GIF of ``frames`` images of one pixel."""
    image = b"!\xf9\x04\0\n\0\0\0" + b",\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02D\x01\0"
    head = b"GIF89a" + struct.pack("<HH", *size_wh) + b"\x80\0\0" + bytes(6)
    return head + image * frames + b";"


@pytest.mark.parametrize("ending", ENDINGS)
def test_size_of_what_opencv_encodes_is_read(ending):
    header = read_header(encode(NOISE, ending))
    assert header == ImageHeader(ENDINGS[ending], 40, 30)
    assert image_size(encode(NOISE, ending)) == (40, 30)


def test_lossless_webp_and_gif_have_their_size():
    lossless = cv2.imencode(".webp", NOISE, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert read_header(lossless) == ImageHeader("WebP", 40, 30)
    assert read_header(gif(1)) == ImageHeader("GIF", 40, 30)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_are_told(ending):
    header = read_header(encode(NOISE.astype(np.uint16), ending))
    assert header.bits == 16


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_exif(orientation):
    content = exif(orientation)
    for data in (
        jpeg_with((0xE1, b"Exif\0\0" + content)),
        png_with(b"eXIf", content),
        webp_with((b"EXIF", content)),
        webp_with((b"EXIF", b"Exif\0\0" + content)),
    ):
        assert read_header(data).orientation == orientation


@pytest.mark.parametrize("content", [b"", b"II*\0", exif(0), exif(9), b"II*\0\xff\xff\xff\xff"])
def test_exif_that_cannot_be_leaves_the_image_as_it_lies(content):
    assert read_header(jpeg_with((0xE1, b"Exif\0\0" + content))).orientation == 1


def test_images_in_a_file_are_counted():
    pages = cv2.imencodemulti(".tif", [NOISE, NOISE, NOISE])[1].tobytes()
    jpeg, small = encode(NOISE, ".jpg"), encode(NOISE[:20], ".jpg")
    assert read_header(pages).frames == 3
    assert read_header(gif(4)).frames == 4
    assert read_header(png_with(b"acTL", struct.pack(">II", 5, 0))).frames == 5
    assert read_header(webp_with((b"ANMF", bytes(16)), (b"ANMF", bytes(16)))).frames == 2
    assert read_header(jpeg * 6).frames == 6
    assert read_header(jpeg + bytes(50) + jpeg).frames == 1, "something else came between"
    assert read_header(jpeg + small).frames == 1, "a preview"
    assert read_header(jpeg_with((0xE2, b"MPF\0" + bytes(20))) + jpeg).frames == 1, "a gain map"


def test_tiff_whose_directories_go_in_circles_ends():
    data = bytearray(encode(NOISE, ".tif"))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * count, at)
    assert read_header(bytes(data)).frames == 1


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8", b"BM", b"GIF89a", b"II*\0", b"RIFF"])
def test_what_is_no_image_has_no_header(data):
    assert read_header(data) is None


SAMPLES = [
    *(encode(NOISE, ending) for ending in ENDINGS), gif(2), webp_with((b"EXIF", exif(6))),
    jpeg_with((0xE1, b"Exif\0\0" + exif(6))), cv2.imencodemulti(".tif", [NOISE] * 2)[1].tobytes(),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    length=st.sampled_from([1.0]) | st.floats(0, 1),
)
def test_any_damage_gives_a_header_or_none(data, edits, length):
    damaged = bytearray(data)
    for position, byte in edits:
        damaged[int(position * min(len(damaged), 200))] = byte
    header = read_header(bytes(damaged[: int(length * len(damaged))]))
    assert header is None or 1 <= header.orientation <= 8
