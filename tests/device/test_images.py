from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import images
from device.errors import SourceError
from device.images import decode_image, list_images, read_image
from tests.conftest import ROOT
from tests.device.conftest import encode
from tests.device.test_image_header import exif


def test_pictures_in_subfolders_are_found_and_other_files_are_not(tmp_path, noise):
    for name in ("b/2.PNG", "a/1.jpg", "c.jpeg", "notes.txt", "clip.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(noise, ".png"))
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a/1.jpg", "b/2.PNG", "c.jpeg"]


def with_thumbnail(jpeg: bytes) -> bytes:
    """The picture with itself as a thumbnail inside, as cameras do it."""
    segment = b"\xff\xe1" + (len(jpeg) + 2).to_bytes(2, "big") + jpeg
    return jpeg[:2] + segment + jpeg[2:]


JPEG = encode(np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8), ".jpg")


PROGRESSIVE = cv2.imencode(
    ".jpg",
    np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8),
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
)[1].tobytes()


PNG = encode(np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8), ".png")


BMP = encode(np.zeros((32, 40, 3), np.uint8), ".bmp")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture"),
        (JPEG[: len(JPEG) // 2], "truncated picture"),
        (JPEG[:-2], "truncated picture"),
        (JPEG[:10], "truncated picture"),
        (PROGRESSIVE[: len(PROGRESSIVE) // 2], "truncated picture"),
        (with_thumbnail(JPEG)[:-20], "truncated picture"),
        (PNG[: len(PNG) // 2], "truncated picture"),
        (PNG[:-4], "truncated picture"),
        (BMP[: len(BMP) // 2], "not a picture"),
        (encode(np.zeros((1, 1, 3), np.uint8), ".png"), "1x1 pixels, at least 16x16"),
        (encode(np.zeros((15, 400, 3), np.uint8), ".png"), "400x15 pixels"),
    ],
)
def test_bad_picture_says_what_is_wrong_with_it(tmp_path, data, said):
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_picture_and_folder_are_source_errors(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.jpg: No such file"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(SourceError, match="Is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        PROGRESSIVE,
        with_thumbnail(JPEG),
        JPEG + bytes(500) + b"ftypmp42 \xff\xda of a motion photo",
        PNG + bytes(500),
        encode(np.zeros((16, 16, 3), np.uint8), ".png"),
    ],
    ids=["jpeg", "progressive", "thumbnail", "motion-photo", "png-and-more", "smallest"],
)
def test_whole_picture_is_read(tmp_path, data):
    path = tmp_path / "good"
    path.write_bytes(data)
    pixels = read_image(path)
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 4)], ids=["grey", "alpha"])
def test_grey_and_transparent_pictures_become_three_channels(tmp_path, shape):
    (tmp_path / "a.png").write_bytes(encode(np.full(shape, 99, np.uint8), ".png"))
    pixels = read_image(tmp_path / "a.png")
    assert pixels.shape == (20, 30, 3)
    assert (pixels == 99).all()


def test_picture_is_turned_upright(tmp_path):
    """EXIF orientation 6: the camera was held upright, rows are stored as columns."""
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tiff
    jpeg = encode(np.zeros((20, 60, 3), np.uint8), ".jpg")
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    assert read_image(tmp_path / "a.jpg").shape == (60, 20, 3)


@settings(max_examples=100)
@given(
    data=st.sampled_from([JPEG, PROGRESSIVE, PNG, BMP, with_thumbnail(JPEG)]),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20),
    length=st.sampled_from([1.0]) | st.floats(0, 1),
)
def test_any_damage_gives_a_picture_or_a_source_error(tmp_path_factory, data, edits, length):
    damaged = bytearray(data)
    for position, byte in edits:
        damaged[int(position * len(damaged))] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(damaged[: int(length * len(damaged))])
    try:
        pixels = read_image(path)
    except SourceError:
        return
    assert pixels.dtype == np.uint8
    assert min(pixels.shape[:2]) >= 16


@settings(max_examples=50)
@given(st.sampled_from([JPEG, PROGRESSIVE, PNG, with_thumbnail(JPEG)]), st.floats(0, 1))
def test_picture_cut_anywhere_is_rejected(tmp_path_factory, data, length):
    path = tmp_path_factory.getbasetemp() / "cut.jpg"
    path.write_bytes(data[: int(length * (len(data) - 1))])
    with pytest.raises(SourceError):
        read_image(path)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(encode(np.zeros((200, 300, 3), np.uint8), ending))
    monkeypatch.setattr(images, "MAX_PIXELS", 60_000)
    assert read_image(path).shape == (200, 300, 3)
    monkeypatch.setattr(images, "MAX_PIXELS", 59_999)
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(SourceError, match=r"300x200 pixels, at most .* million are decoded; make"):
        read_image(path)


def test_small_file_that_asks_for_gigabytes_is_refused(tmp_path):
    """900 million pixels in a few bytes: 2.7 GB, were they decoded."""
    png = bytearray(encode(np.zeros((16, 16, 3), np.uint8), ".png"))
    struct.pack_into(">II", png, 16, 30_000, 30_000)
    struct.pack_into(">I", png, 29, zlib.crc32(png[12:29]))
    (tmp_path / "bomb.png").write_bytes(png)
    with pytest.raises(SourceError, match=r"bomb\.png: 30000x30000 pixels, at most 64 million"):
        read_image(tmp_path / "bomb.png")


def test_formats_that_are_not_read_here_are_limited_by_opencv(tmp_path):
    """In a process of its own: OpenCV reads its limit once."""
    (tmp_path / "bomb.ppm").write_bytes(b"P6 30000 30000 255\n" + bytes(1000))
    code = (
        "from device.commands.detect import prepare_process; prepare_process()\n"
        "from pathlib import Path; from device.images import read_image\n"
        f"read_image(Path({str(tmp_path / 'bomb.ppm')!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "SourceError" in done.stderr
    assert "CV_IO_MAX_IMAGE_PIXELS" in done.stderr


def test_file_larger_than_any_picture_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    monkeypatch.setattr(images, "MAX_FILE_BYTES", len(JPEG) - 1)
    with pytest.raises(SourceError, match="more than any picture that can be decoded here"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_image_is_laid_upright_in_every_format_with_exif(tmp_path, orientation, kind):
    """By the definition of each orientation: where row 0 and column 0 are."""
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:16, :24] = 255
    content = exif(orientation)
    png = encode(stored, ".png")
    chunk = len(content).to_bytes(4, "big") + b"eXIf" + content
    chunk += zlib.crc32(b"eXIf" + content).to_bytes(4, "big")
    jpeg = encode(stored, ".jpg")
    segment = b"Exif\0\0" + content
    webp = cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()[12:]
    size = (47).to_bytes(3, "little") + (31).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + size + webp
    body += b"EXIF" + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    data = {
        "jpg": jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:],
        "png": png[:33] + chunk + png[33:],
        "webp": b"RIFF" + struct.pack("<I", len(body)) + body,
    }[kind]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.transpose(1, 0, 2), 6: np.rot90(stored, -1),
        7: np.rot90(stored.transpose(1, 0, 2), 2), 8: np.rot90(stored, 1),
    }[orientation]  # fmt: skip
    pixels = read_image(path)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 5


def test_sixteen_bits_of_which_few_are_used_are_scaled_and_told_of(tmp_path):
    """A thermal camera's: 7,000 to 9,000 of 65,535, which was black."""
    ramp = np.linspace(7000, 9000, 64 * 48).astype(np.uint16).reshape(48, 64)
    (tmp_path / "thermal.png").write_bytes(encode(ramp, ".png"))
    said: list[str] = []
    pixels = read_image(tmp_path / "thermal.png", said.append)
    assert pixels.shape == (48, 64, 3)
    assert (pixels[0, 0, 0], pixels[-1, -1, 0]) == (0, 255)
    assert pixels[24, 0, 0] == pytest.approx(127.5, abs=2)
    assert len(said) == 1
    assert "16 bits, of which 7009 to 8990 are used: scaled to 0 to 255" in said[0]


def test_sixteen_bits_that_are_all_used_keep_their_upper_half(tmp_path):
    ramp = np.linspace(0, 65_535, 64 * 48).astype(np.uint16).reshape(48, 64)
    (tmp_path / "deep.tif").write_bytes(encode(ramp, ".tif"))
    pixels = read_image(tmp_path / "deep.tif", pytest.fail)
    assert np.array_equal(pixels[..., 0], ramp >> 8)


def test_part_that_claims_more_than_the_file_has_is_refused_before_memory_is_taken(noise):
    data = encode(noise, ".png")
    claiming = data[:33] + (2**31 - 1).to_bytes(4, "big") + data[37:]
    with pytest.raises(SourceError, match=rf"a part of 2147483647 bytes in a file of {len(data)}"):
        decode_image(claiming, "a.png")
