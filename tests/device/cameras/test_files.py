from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from device.cameras.base import CameraOptions
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
    with pytest.raises(
        SourceError, match=r"no pictures in this folder \(jpg, png, bmp, tif, webp\)"
    ):
        ImageReader.of_folder(tmp_path, pytest.fail)


# As QuickTime has it, 16.16 and 2.30: what a phone writes that was held upright, and so on.
MATRICES = {
    0: (1, 0, 0, 0, 1, 0, 0, 0),
    90: (0, 1, 0, -1, 0, 0, 48, 0),
    180: (-1, 0, 0, 0, -1, 0, 64, 48),
    270: (0, -1, 0, 1, 0, 0, 0, 64),
}


def write_turned(path: Path, degrees: int) -> Path:
    """A video of 64x48, white in its upper left quarter, with a rotation in its header."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:24, :32] = 255
        frame = av.VideoFrame.from_ndarray(pixels, "bgr24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    matrix = [65_536 * number for number in MATRICES[degrees]]
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *matrix, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize("degrees", MATRICES)
def test_video_of_a_phone_is_laid_upright_and_then_turned_as_asked(tmp_path, degrees, turn):
    path = write_turned(tmp_path / "phone.mp4", degrees)
    (frame,) = VideoReader(path, CameraOptions(rotate=turn)).frames()
    pixels = np.zeros((48, 64))
    pixels[:24, :32] = 255
    expected = np.rot90(pixels, -(degrees + turn) // 90)
    assert frame.pixels.shape[:2] == expected.shape
    assert np.abs(frame.pixels[..., 0] - expected).mean() < 10


def test_video_of_too_many_pixels_is_refused(video, monkeypatch):
    monkeypatch.setattr("device.images.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(SourceError, match=r"grey\.avi: 64x48 pixels, at most"):
        VideoReader(video)


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


def test_folder_of_other_files_says_what_they_are(tmp_path):
    (tmp_path / "a.heic").touch()
    with pytest.raises(SourceError, match=r"no pictures .* webp\); passed over: 1 \.heic"):
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
