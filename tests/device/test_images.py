from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import SourceError
from device.images import list_images, read_image
from tests.device.conftest import encode


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
