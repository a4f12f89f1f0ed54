from __future__ import annotations

import sys

import av
import numpy as np
import pytest

from device.errors import SinkError
from device.outputs.pace import Pace
from device.outputs.video import VideoSink
from device.system.partial_file import partial_of
from tests.device.conftest import frames_of, make_outcome, names_in
from tests.helpers.videos import TEN, captured_at, grey, write_all


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov", ".mkv", ".avi", ".AVI", ".MKV"])
def test_video_has_every_frame(tmp_path, either_encoder, ending):
    path = tmp_path / f"video{ending}"
    write_all(path, [grey(20 * index) for index in range(10)])
    assert [int(round(f.mean(), -1)) for f in frames_of(path)] == [20 * i for i in range(10)]
    assert names_in(tmp_path) == [path.name]


def test_codec_is_what_there_is(tmp_path, either_encoder, capsys):
    write_all(tmp_path / "video.mp4", [grey(0)] * 3)
    said, drawn = capsys.readouterr().err, f"drawn in {tmp_path / 'video.mp4'}\n"
    with av.open(str(tmp_path / "video.mp4")) as container:
        codec = container.streams.video[0].codec_context.name
    if either_encoder == "h264":
        assert (codec, said) == ("h264", drawn)
    else:
        assert codec == "mpeg4"
        assert said.count("\n") == 2
        assert "MPEG-4 (mp4v)" in said
        assert "install PyAV" in said


def test_pyav_without_libx264_is_told_and_done_without(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    write_all(tmp_path / "video.mp4", [grey(0)] * 3)
    assert "MPEG-4 (mp4v)" in capsys.readouterr().err
    assert len(frames_of(tmp_path / "video.mp4")) == 3


def test_avi_is_motion_jpeg_and_nothing_is_said_of_it(tmp_path, either_encoder, capsys):
    write_all(tmp_path / "video.avi", [grey(0)] * 3)
    with av.open(str(tmp_path / "video.avi")) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg"
    assert capsys.readouterr().err == f"drawn in {tmp_path / 'video.avi'}\n"


def test_colours_come_back(tmp_path, either_encoder):
    image = grey(0, (48, 96))
    image[:, :32], image[:, 32:64], image[:, 64:] = (
        (220, 30, 30),
        (30, 220, 30),
        (30, 30, 220),
    )
    write_all(tmp_path / "video.mp4", [image] * 3)
    frame = frames_of(tmp_path / "video.mp4")[-1]
    for x in (16, 48, 80):
        assert np.abs(frame[24, x].astype(int) - image[24, x]).max() < 12


def test_live_video_of_one_rate_repeats_and_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "video.mp4"
    values_at = {50.0: 0, 50.02: 40, 50.1: 80, 50.5: 120, 90.5: 160, 90.6: 200}
    with VideoSink(path, Pace(10.0, live=True)) as sink:
        for seconds, value in values_at.items():
            sink.write(captured_at(make_outcome(0, grey(value)), seconds))
    shown = [int(round(frame.mean(), -1)) for frame in frames_of(path)]
    # 40 came too soon, 120 stands for the gap before it, and 40 s without frames are left out.
    assert shown == [0, 80, 120, 120, 120, 120, 160, 200]


def test_finished_video_is_an_ordinary_one_where_ffmpeg_can(tmp_path):
    write_all(tmp_path / "video.mp4", [grey(9)] * 30)
    with av.open(str(tmp_path / "video.mp4")) as container:
        assert container.streams.video[0].frames == 30  # a fragmented one does not know


def test_video_is_in_fragments_where_ffmpeg_knows_no_better(tmp_path, monkeypatch):
    monkeypatch.setitem(av.library_versions, "libavformat", (61, 1, 100))  # FFmpeg 7.0
    write_all(tmp_path / "video.mp4", [grey(9)] * 30)
    assert (tmp_path / "video.mp4").read_bytes().count(b"moof") >= 2
    assert len(frames_of(tmp_path / "video.mp4")) == 30


@pytest.mark.parametrize("earlier", [True, False])
def test_opencv_video_that_cannot_be_read_back_is_an_error(tmp_path, monkeypatch, earlier):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "video.mp4"
    if earlier:
        path.write_bytes(b"earlier")
    sink = VideoSink(path, TEN)
    for index in range(5):
        sink.write(make_outcome(index))
    sink._file._encoder._writer.release()
    partial_of(path).write_bytes(b"lost")
    left = "left as it was" if earlier else "not made"
    with pytest.raises(SinkError, match=rf"cannot be read back .*video\.mp4 is {left}"):
        sink.close()
    assert names_in(tmp_path) == ([path.name] if earlier else [])
    if earlier:
        assert path.read_bytes() == b"earlier"


def test_size_that_no_codec_takes_is_an_error(tmp_path):
    with pytest.raises(SinkError, match=r"after 0 frames; .*video\.mp4 is not made"):
        write_all(tmp_path / "video.mp4", [grey(0, (2, 40_000))])
    assert names_in(tmp_path) == []


def test_ending_that_opencv_cannot_write_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SinkError, match=r"cannot write a video here.*\.mp4"):
        write_all(tmp_path / "video.nonsense", [grey(0)])
    assert names_in(tmp_path) == []
