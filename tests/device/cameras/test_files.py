from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from device.cameras.files import ImageReader
from device.errors import SourceError
from tests.device.conftest import encode

COUNT = 12  # frames of every camera here that ends


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Twelve flat grey pictures, of several kinds and two sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(COUNT):
        size = (48, 64, 3) if index % 2 else (32, 32, 3)
        ending = (".jpg", ".png", ".bmp", ".tif")[index % 4]
        pixels = np.full(size, 20 * index, np.uint8)
        (folder / f"{index:02}{ending}").write_bytes(encode(pixels, ending))
    return folder


def test_pictures_come_in_order_of_their_names(folder):
    frames = list(ImageReader.of_folder(folder, pytest.fail).frames())
    assert [frame.name for frame in frames] == sorted(path.name for path in folder.iterdir())
    assert [round(frame.pixels.mean()) for frame in frames] == [20 * i for i in range(COUNT)]


def test_bad_picture_among_good_ones_is_reported_and_skipped(tmp_path, noise):
    (tmp_path / "1.jpg").write_bytes(encode(noise, ".jpg"))
    (tmp_path / "2.jpg").write_bytes(b"not a picture")
    (tmp_path / "3.jpg").write_bytes(encode(noise, ".jpg"))
    said: list[str] = []
    frames = list(ImageReader.of_folder(tmp_path, said.append).frames())
    assert [(frame.index, frame.name) for frame in frames] == [(0, "1.jpg"), (1, "3.jpg")]
    assert len(said) == 1
    assert said[0].startswith(f"skipped: {tmp_path / '2.jpg'}: ")


def test_bad_pictures_alone_are_an_error(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(b"not a picture")
    said: list[str] = []
    with pytest.raises(SourceError, match="none of the 2 pictures"):
        list(ImageReader.of_folder(tmp_path, said.append).frames())
    assert len(said) == 2


def test_folder_without_pictures_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        SourceError, match=r"no pictures in this folder \(jpg, png, bmp, tif, webp, gif\)"
    ):
        ImageReader.of_folder(tmp_path, pytest.fail)


def test_files_that_are_passed_over_are_counted_and_named(tmp_path, noise):
    for name in ("a.jpg", "b.webp", ".hidden.jpg", "._a.jpg", ".trash/c.jpg", "notes.txt",
                 "labels/a.txt", "README", "d.heic"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(noise, ".webp" if name == "b.webp" else ".jpg"))
    said: list[str] = []
    frames = list(ImageReader.of_folder(tmp_path, said.append).frames())
    assert [frame.name for frame in frames] == ["a.jpg", "b.webp"]
    assert said == [
        f"{tmp_path}: 2 pictures; passed over: 2 .txt, 2 hidden, 1 .heic, 1 without an ending"
    ]


def test_pipe_among_pictures_is_passed_over_and_not_waited_for(tmp_path, noise):
    (tmp_path / "a.jpg").write_bytes(encode(noise, ".jpg"))
    os.mkfifo(tmp_path / "b.jpg")
    said: list[str] = []
    frames = list(ImageReader.of_folder(tmp_path, said.append).frames())
    assert [frame.name for frame in frames] == ["a.jpg"]
    assert said == [f"skipped: {tmp_path / 'b.jpg'}: no regular file, but a pipe or a device"]


def test_folder_of_other_files_says_what_they_are(tmp_path):
    (tmp_path / "a.heic").touch()
    with pytest.raises(SourceError, match=r"no pictures .* no videos; passed over: 1 \.heic"):
        ImageReader.of_folder(tmp_path, pytest.fail)


def test_thermal_pictures_of_a_folder_are_told_of_once(tmp_path):
    ramp = np.linspace(7000, 9000, 64 * 48).astype(np.uint16).reshape(48, 64)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encode(ramp, ".png"))
    said: list[str] = []
    frames = list(ImageReader.of_folder(tmp_path, said.append).frames())
    assert [np.ptp(frame.pixels) for frame in frames] == [255, 255]
    assert len(said) == 1
    assert "a.png: 16 bits" in said[0]
    assert said[0].endswith("scaled to 0 to 255; later ones like it are not told of")
