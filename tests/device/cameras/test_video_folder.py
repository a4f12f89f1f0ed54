from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.cameras.base import CameraOptions
from device.cameras.open import open_camera
from device.cameras.video_folder import VideoFolder
from device.errors import SourceError, UsageError
from tests.device.conftest import cut, encode, write_video


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two videos of three frames, 20 and 10 a second, and of two sizes."""
    for name, fps, size_wh in (("a.avi", 20.0, (64, 48)), ("b.avi", 10.0, (32, 32))):
        writer = cv2.VideoWriter(
            str(tmp_path / name), cv2.VideoWriter.fourcc(*"MJPG"), fps, size_wh
        )
        for _ in range(3):
            writer.write(np.full((size_wh[1], size_wh[0], 3), 90, np.uint8))
        writer.release()
    return tmp_path


def test_videos_come_one_after_another_on_one_clock(folder):
    with open_camera(str(folder), [], pytest.fail) as camera:
        frames = list(camera.frames())
    assert [frame.name for frame in frames] == ["a.avi"] * 3 + ["b.avi"] * 3
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [frame.size_wh for frame in frames] == [(64, 48)] * 3 + [(32, 32)] * 3
    assert [frame.shown_at_s for frame in frames] == pytest.approx(
        [0.0, 0.05, 0.10, 0.15, 0.25, 0.35]
    )
    assert camera.fps == 20.0


def test_pattern_of_videos_is_played(folder):
    with open_camera(f"{folder}/*.avi", [], pytest.fail) as camera:
        assert sum(1 for _ in camera.frames()) == 6


def test_folder_with_a_picture_is_one_of_pictures_and_its_videos_are_named(folder):
    (folder / "c.jpg").write_bytes(encode(np.full((48, 64, 3), 90, np.uint8), ".jpg"))
    said: list[str] = []
    with open_camera(str(folder), [], said.append) as camera:
        assert [frame.name for frame in camera.frames()] == ["c.jpg"]
    assert said == [f"{folder}: 1 picture; passed over: 2 .avi"]


def test_video_that_is_still_written_or_no_video_is_passed_over_and_counted(folder):
    shutil.copy(folder / "a.avi", folder / "c.partial.avi")
    (folder / "notes.txt").write_text("x")
    said: list[str] = []
    with open_camera(str(folder), [], said.append) as camera:
        assert sum(1 for _ in camera.frames()) == 6
    assert said == [f"{folder}: 2 videos; passed over: 1 .txt, 1 unfinished"]


def test_damaged_videos_are_told_of_and_what_they_have_is_served(folder):
    cut(write_video(folder / "a.avi", 30, (320, 240)), 0.5)
    (folder / "aa.avi").write_bytes(b"no video")
    said: list[str] = []
    with VideoFolder(sorted(folder.iterdir()), said.append) as camera:
        names = [frame.name for frame in camera.frames()]
    assert names.count("b.avi") == 3
    assert 5 < names.count("a.avi") < 25
    assert len(said) == 2
    assert "a.avi: ends after" in said[0]
    assert said[1].startswith(f"skipped: {folder / 'aa.avi'}: neither a picture nor a video")


def test_pipe_among_videos_is_passed_over_and_not_waited_for(folder):
    os.mkfifo(folder / "aa.mp4")
    said: list[str] = []
    with open_camera(str(folder), [], said.append) as camera:
        assert sum(1 for _ in camera.frames()) == 6
    assert said == [f"skipped: {folder / 'aa.mp4'}: no regular file, but a pipe or a device"]


def test_videos_of_which_none_can_be_read_are_an_error(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"no video")
    with pytest.raises(SourceError, match="none of the 2 videos could be read"):
        open_camera(str(tmp_path), [], lambda _: None)


def test_videos_without_a_frame_are_an_error(tmp_path):
    for name in ("a.avi", "b.avi"):
        cut(write_video(tmp_path / name, 30), 0.01)
    with pytest.raises(SourceError, match="none of the 2 videos could be read"):
        list(open_camera(str(tmp_path), [], lambda _: None).frames())


def test_only_video_that_is_damaged_is_an_error_by_its_own_words(tmp_path):
    cut(write_video(tmp_path / "a.avi", 30, (320, 240)), 0.5)
    with pytest.raises(SourceError, match=r"a\.avi: ends after"):
        list(open_camera(str(tmp_path), [], pytest.fail).frames())


def test_stop_ends_all_of_them(folder):
    stop = threading.Event()
    names = []
    with VideoFolder(sorted(folder.iterdir()), pytest.fail) as camera:
        for frame in camera.frames(stop=stop):
            names.append(frame.name)
            stop.set()
    assert names == ["a.avi"]


def test_rate_is_asked_of_raw_streams_alone(folder, tmp_path):
    with pytest.raises(UsageError, match=r"--fps: .* comes as it is"):
        open_camera(str(folder), [], pytest.fail, CameraOptions(fps=5.0))
    raw = tmp_path / "raw"
    raw.mkdir()
    jpeg = encode(np.full((48, 64, 3), 90, np.uint8), ".jpg")
    for name in ("a.mjpeg", "b.mjpeg"):
        (raw / name).write_bytes(2 * jpeg)
    with open_camera(str(raw), [], pytest.fail, CameraOptions(fps=5.0)) as camera:
        times_s = [frame.shown_at_s for frame in camera.frames()]
    assert times_s == pytest.approx([0.0, 0.2, 0.4, 0.6])
