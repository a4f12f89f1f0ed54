from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.errors import SinkError
from device.outputs import retention
from device.outputs.pace import Pace
from device.outputs.video import VideoSink, fit
from device.system.partial_file import partial_of
from tests.conftest import ROOT
from tests.device.conftest import frames_of, make_outcome, names_in
from tests.helpers.videos import TEN, busy, captured_at, grey, times_of, write_all


def test_odd_name_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "file:a%03d ü?#'x.mp4"
    write_all(Path(name), [grey(9)] * 3)
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("fps", [25.0, 29.97, 5.0])
def test_file_plays_at_the_rate_of_its_source(tmp_path, either_encoder, fps):
    write_all(tmp_path / "video.mp4", [grey(0)] * 6, Pace(fps))
    assert times_of(tmp_path / "video.mp4") == pytest.approx(
        [index / fps for index in range(6)], abs=1e-3
    )
    assert cv2.VideoCapture(str(tmp_path / "video.mp4")).get(cv2.CAP_PROP_FPS) == pytest.approx(
        fps, rel=1e-4
    )


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_live_video_plays_at_true_speed(tmp_path, ending):
    path = tmp_path / f"video{ending}"
    # A pause, a burst, and two frames with the same time.
    times = [50.0, 50.1, 50.21, 50.3, 57.3, 57.31, 57.31, 57.4]
    with VideoSink(path, Pace(30.0, live=True)) as sink:
        for index, seconds in enumerate(times):
            sink.write(captured_at(make_outcome(index), seconds))
    expected = [seconds - 50.0 for seconds in times]
    assert times_of(path) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("size", [(49, 65), (48, 65), (49, 64)])
def test_odd_sides_lose_a_row_or_column(tmp_path, either_encoder, size):
    write_all(tmp_path / "video.mp4", [grey(9, size)] * 3)
    assert [frame.shape for frame in frames_of(tmp_path / "video.mp4")] == [(48, 64, 3)] * 3


def test_frames_of_other_sizes_are_fitted_into_the_first(tmp_path, either_encoder):
    sizes = [(48, 64), (480, 640), (47, 63), (49, 65), (100, 20), (16, 400)]
    write_all(tmp_path / "video.mp4", [grey(200, size) for size in sizes])
    frames = frames_of(tmp_path / "video.mp4")
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * len(sizes)


def test_video_is_not_there_under_its_name_until_it_is_finished(tmp_path, either_encoder):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"earlier")
    sink = VideoSink(path, TEN)
    for index in range(5):
        sink.write(make_outcome(index))
    assert path.read_bytes() == b"earlier"
    sink.close()
    assert len(frames_of(path)) == 5
    assert names_in(tmp_path) == [path.name]
    sink.close()


def test_what_a_finished_video_took_in_memory_goes_back(tmp_path, monkeypatch, either_encoder):
    returned = []
    monkeypatch.setattr("device.outputs.video.return_freed", lambda: returned.append(True))
    with VideoSink(tmp_path / "video.mp4", Pace(10.0)) as sink:
        sink.write(make_outcome())
        assert returned == []
    assert returned == [True]


def test_finished_video_says_where_it_lies_and_one_without_frames_nothing(tmp_path, capsys):
    path = tmp_path / "video.mp4"
    write_all(path, [])
    assert capsys.readouterr().err == ""
    write_all(path, [grey(9)])
    assert capsys.readouterr().err == f"drawn in {path}\n"


def test_run_without_frames_leaves_an_earlier_video(tmp_path, either_encoder):
    (tmp_path / "video.mp4").write_bytes(b"earlier")
    write_all(tmp_path / "video.mp4", [])
    assert (tmp_path / "video.mp4").read_bytes() == b"earlier"


def test_exception_in_the_run_finishes_the_video(tmp_path, either_encoder):
    def break_off():
        with VideoSink(tmp_path / "video.mp4", TEN) as sink:
            for index in range(5):
                sink.write(make_outcome(index))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert len(frames_of(tmp_path / "video.mp4")) == 5


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from device.outputs.video import Pace, VideoSink
from tests.device.conftest import make_outcome
sink = VideoSink(Path(sys.argv[1]), Pace(10.0))
for index in range(100):
    sink.write(make_outcome(index, np.full((48, 64, 3), 2 * index, np.uint8)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_killed_run_leaves_a_video_that_plays_beside_the_earlier_one(tmp_path, ending):
    path = tmp_path / f"video{ending}"
    path.write_bytes(b"earlier")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"earlier"
    frames = frames_of(partial_of(path))
    assert 88 <= len(frames) <= 100, "more than the last second is lost"
    assert [round(frame.mean()) for frame in frames] == pytest.approx(
        [2 * index for index in range(len(frames))], abs=4
    ), "a difference of two greys is one that the encoder may pass over"


@pytest.mark.parametrize("earlier", [True, False])
def test_nearly_full_disk_ends_the_video_but_never_replaces_an_earlier_one(
    tmp_path, monkeypatch, either_encoder, earlier
):
    path = tmp_path / "video.mp4"
    if earlier:
        path.write_bytes(b"earlier")
    free = iter([1 << 40] * 30 + [retention.MIN_FREE_BYTES - 1])
    usage = type("Usage", (), {"free": property(lambda self: next(free))})
    monkeypatch.setattr(retention.shutil, "disk_usage", lambda _: usage())
    with pytest.raises(SinkError) as caught:
        write_all(path, [grey(index) for index in range(40)])
    said = f"{tmp_path}: the disk is full (less than 8 MB free) after 30 frames; {path} is "
    if earlier:
        assert path.read_bytes() == b"earlier"
        assert str(caught.value) == said + "left as it was"
    else:
        assert len(frames_of(path)) == 30
        assert str(caught.value) == said + "what there is of it"
    assert names_in(tmp_path) == [path.name]


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_disk_that_is_full_all_at_once_leaves_what_plays(
    small_disk, monkeypatch, ending, earlier, noise
):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 0)
    path = small_disk / f"video{ending}"
    if earlier:
        path.write_bytes(b"earlier")
    image = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_NEAREST)
    with pytest.raises(SinkError, match=r"No space left on device after \d+ frames; ") as caught:
        write_all(path, [np.roll(image, 37 * index, axis=0) for index in range(200)])
    assert f"{path} is " in str(caught.value)
    assert names_in(small_disk) == [path.name]
    if earlier:
        assert path.read_bytes() == b"earlier"
    else:
        assert len(frames_of(path)) > 5


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


@pytest.mark.parametrize("earlier", [True, False])
def test_video_whose_end_cannot_be_written_is_an_error(small_disk, monkeypatch, earlier):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 0)
    path = small_disk / "video.mp4"
    if earlier:
        path.write_bytes(b"earlier")
    sink = VideoSink(path, TEN)
    for index in range(35):
        sink.write(make_outcome(index, busy(index)))
    fill(small_disk).rename(small_disk / "other")
    with pytest.raises(SinkError, match=f"No space left on device; {path} is "):
        sink.close()
    assert names_in(small_disk) == ["other", path.name]
    if earlier:
        assert path.read_bytes() == b"earlier"
    else:
        assert len(frames_of(path)) >= 20


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_disk_that_is_full_for_a_moment_leaves_what_plays(small_disk, monkeypatch, ending):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 0)
    path = small_disk / f"video{ending}"
    sink = VideoSink(path, TEN)
    for index in range(35):
        sink.write(make_outcome(index, busy(index)))
    filler = fill(small_disk)
    with pytest.raises(SinkError, match="No space left on device after"):
        for index in range(35, 70):
            sink.write(make_outcome(index, busy(index)))
    filler.unlink()
    sink.close()
    frames = frames_of(path)
    assert 20 <= len(frames) <= 36
    for index, frame in enumerate(frames):
        assert np.abs(frame.astype(int) - busy(index)).mean() < 30


def test_folder_in_the_videos_place_is_an_error_before_the_run(tmp_path):
    (tmp_path / "video.mp4").mkdir()
    with pytest.raises(SinkError, match=r"video\.mp4: a folder has this name"):
        VideoSink(tmp_path / "video.mp4", TEN)


def test_fit_keeps_the_shape_and_centres(noise):
    fitted = fit(grey(255, (50, 100)), (64, 48))
    assert fitted.shape == (48, 64, 3)
    assert (fitted[8:40] == 255).all()
    assert (fitted[:8] == 0).all()
    assert (fitted[40:] == 0).all()
    assert np.array_equal(fit(noise, (64, 48)), noise)


@pytest.mark.parametrize("width", range(60, 70))
@pytest.mark.parametrize("height", [45, 47, 48, 49, 50])
def test_fit_gives_the_size_asked_for(width, height):
    assert fit(grey(1, (height, width)), (64, 48)).shape == (48, 64, 3)


def test_video_that_a_killed_run_left_is_recovered_and_told_of(tmp_path, capsys):
    path = tmp_path / "video.mp4"
    partial_of(path).write_bytes(b"of a run that was killed")
    os.utime(partial_of(path), (1_795_271_400, 1_795_271_400))
    write_all(path, [grey(9)] * 3)
    recovered = tmp_path / "video.recovered-20261121T143000Z.mp4"
    assert names_in(tmp_path) == ["video.mp4", recovered.name]
    assert recovered.read_bytes() == b"of a run that was killed"
    told = f"{recovered}: what a run that was cut off had recorded\ndrawn in {path}\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "header", [b"", b"\0\0\0\x24ftypisom" + bytes(76), b"\x1aE\xdf\xa3" + bytes(60)]
)
def test_video_that_was_cut_off_before_its_first_frame_is_removed(tmp_path, header):
    path = tmp_path / "video.mp4"
    partial_of(path).write_bytes(header)
    write_all(path, [grey(0)] * 3)
    assert names_in(tmp_path) == ["video.mp4"]


def test_recovered_video_takes_no_name_that_is_taken(tmp_path):
    path = tmp_path / "video.mp4"
    for content in (b"first", b"second"):
        partial_of(path).write_bytes(content)
        os.utime(partial_of(path), (1_795_271_400, 1_795_271_400))
        VideoSink(path, TEN).close()
    assert names_in(tmp_path) == [
        "video.recovered-20261121T143000Z.mp4",
        "video.recovered-20261121T143001Z.mp4",
    ]


def test_second_run_with_one_output_is_refused_and_the_first_is_whole(tmp_path, either_encoder):
    path = tmp_path / "video.mp4"
    with VideoSink(path, TEN) as first:
        for when in (0, 1):  # before the first frame, and after it
            with pytest.raises(SinkError, match=r"video\.mp4: another run is writing it; end"):
                VideoSink(path, TEN)
            first.write(make_outcome(when, grey(50)))
    assert len(frames_of(path)) == 2
    assert names_in(tmp_path) == ["video.mp4"]
    VideoSink(path, TEN).close()


def test_run_that_sees_no_frame_leaves_nothing(tmp_path):
    VideoSink(tmp_path / "video.mp4", TEN).close()
    assert names_in(tmp_path) == []
