from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.cameras.files import ImageReader, VideoReader
from device.errors import SourceError
from tests.device.conftest import cut, encode, write_video

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


def test_video_serves_every_frame_in_order(video):
    camera = VideoReader(video)
    frames = list(camera.frames())
    assert [round(frame.pixels.mean()) for frame in frames] == pytest.approx(
        [20 * index for index in range(COUNT)], abs=2
    )
    assert {frame.name for frame in frames} == {"grey.avi"}
    assert camera.fps == 10.0


def test_video_cut_in_the_middle_serves_what_is_there_then_fails(tmp_path):
    path = cut(write_video(tmp_path / "cut.avi", 30, (320, 240)), 0.5)
    camera, seen = VideoReader(path), 0
    with pytest.raises(SourceError, match=r"cut\.avi: ends after \d+ of 30 frames.*damaged"):
        for frame in camera.frames():
            assert round(frame.pixels.mean()) == pytest.approx(20 * seen % 256, abs=2)
            seen += 1
    assert 5 < seen < 25


def test_limit_within_a_cut_video_is_no_failure(tmp_path):
    path = cut(write_video(tmp_path / "cut.avi", 30, (320, 240)), 0.5)
    assert len(list(VideoReader(path).frames(limit=3))) == 3


def test_video_without_a_frame_is_an_error(tmp_path):
    header = cut(write_video(tmp_path / "header.avi", 30), 0.01)
    with pytest.raises(SourceError, match=r"header\.avi: "):
        list(VideoReader(header).frames())


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
    with pytest.raises(SourceError, match=r"no pictures in this folder \(jpg, png, bmp, tif\)"):
        ImageReader.of_folder(tmp_path, pytest.fail)
