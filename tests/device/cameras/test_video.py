from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from device.cameras.base import CameraOptions
from device.cameras.video import PresentationClock, RawVideoReader, VideoReader
from device.errors import SourceError
from tests.device.conftest import cut, write_video

COUNT = 12  # frames of the video that ends


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


STAMPS_S = [0.0, 0.04, 0.08, 1.08, 1.12, 3.0, 3.5]  # of a phone that saves light, say


def write_at(path: Path, stamps_s: list[float], kind: str | None = None) -> Path:
    """A video of 64x48 with a frame at each of ``stamps_s``, brighter and brighter."""
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=30, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for number, at_s in enumerate(stamps_s):
            pixels = np.full((48, 64, 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, "bgr24")
            frame.pts, frame.time_base = round(at_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "within_s"), [("a.mp4", 0.002), ("a.ts", 0.002), ("a.mkv", 1 / 30)]
)
def test_frames_of_a_variable_rate_keep_their_times(tmp_path, name, within_s):
    frames = list(VideoReader(write_at(tmp_path / name, STAMPS_S)).frames())
    first_s = frames[0].shown_at_s
    assert first_s is not None
    assert [frame.shown_at_s - first_s for frame in frames] == pytest.approx(STAMPS_S, abs=within_s)


def test_raw_stream_has_the_rate_that_the_user_says(tmp_path):
    path = write_at(tmp_path / "a.h264", [number / 30 for number in range(5)], "h264")
    camera = RawVideoReader(path, CameraOptions(fps=50.0))
    assert [frame.shown_at_s for frame in camera.frames()] == pytest.approx(
        [0, 0.02, 0.04, 0.06, 0.08]
    )
    assert (camera.fps, camera.length) == (50.0, None)
    assert RawVideoReader(path).fps == 25.0


def test_clock_keeps_the_distances_of_time_stamps():
    clock = PresentationClock(0.1)
    assert [clock.at_s(stamp_s) for stamp_s in (5.0, 5.04, 7.0)] == [5.0, 5.04, 7.0]
    assert clock.longest_s == pytest.approx(1.96)


@pytest.mark.parametrize("wrong", [0.0, 4.9, 5.0, 1e9, float("nan"), float("inf")])
def test_clock_goes_one_frame_on_where_a_time_stamp_is_wrong(wrong):
    clock = PresentationClock(0.25)
    assert clock.at_s(5.0) == 5.0
    assert clock.at_s(wrong) == 5.25
    after = wrong if wrong < 1e10 else 0.0
    assert clock.at_s(after + 0.5) == pytest.approx(5.75)


class Undecoded:
    """A file that OpenCV opens, and decodes nothing of."""

    def __init__(self, codec: str) -> None:
        self._codec = cv2.VideoWriter.fourcc(*codec)

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, *_: float) -> bool:
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FOURCC: self._codec, cv2.CAP_PROP_ORIENTATION_META: 0}.get(what, 64)

    def read(self) -> tuple[bool, None]:
        return False, None

    def release(self) -> None:
        pass


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("AV01", r"a video in AV1, which OpenCV does not decode here: make H\.264 of it"),
        ("avc1", "without a single frame that can be decoded"),
    ],
)
def test_codec_that_nothing_here_decodes_is_told(tmp_path, monkeypatch, codec, said):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Undecoded(codec))
    with pytest.raises(SourceError, match=said):
        list(VideoReader(tmp_path / "a.mp4").frames())
