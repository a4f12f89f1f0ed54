from __future__ import annotations

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from device import sinks as module
from device.camera import read_picture
from device.errors import SinkError, UsageError
from device.records import Classification, Detection, Result
from device.sinks import (
    JsonlLog,
    PictureFolder,
    VideoFileSink,
    fit,
    log_line,
    make_sinks,
    refuse_overwriting,
)
from tests.device.conftest import frames_of, make_outcome, names_in

CAT = Detection(17, "cat", 0.93456789, 1.04, 2.0, 407.25, 298.149)

KEYS = {
    "frame": int,
    "source": str,
    "time": str,
    "captured_at_s": float,
    "finished_at_s": float,
    "detections": list,
    "timings_ms": dict,
    "frame_age_ms": float,
    "fps": float,
    "rss_mb": float,
    "cpu_percent": float,
}


def grey(value: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def test_log_line_is_as_documented():
    line = log_line(make_outcome(7, name="a.jpg", detections=(CAT,)))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    record = json.loads(line)
    assert {key: type(value) for key, value in record.items()} == KEYS
    time = record.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert record == {
        "frame": 7,
        "source": "a.jpg",
        "captured_at_s": 107.0,
        "finished_at_s": 107.0105,
        "detections": [
            {"label": "cat", "class_id": 17, "score": 0.9346, "box": [1.0, 2.0, 407.2, 298.1]}
        ],
        "timings_ms": {
            "capture": 1.25,
            "preprocess": 2.5,
            "invoke": 3.75,
            "decode": 0.5,
            "draw": 0.125,
        },
        "frame_age_ms": 10.5,
        "fps": 29.99,
        "rss_mb": 95.3,
        "cpu_percent": 123.5,
    }


def test_log_line_keeps_the_documented_order():
    assert list(json.loads(log_line(make_outcome()))) == list(KEYS)


def test_log_line_of_a_classifier_has_classes_instead_of_detections():
    outcome = make_outcome()
    timings = outcome.result.timings
    classes = (Classification(3, "cat", 0.75),)
    object.__setattr__(outcome, "result", Result(0, (), timings, classes))
    record = json.loads(log_line(outcome))
    assert record["classes"] == [{"label": "cat", "class_id": 3, "score": 0.75}]
    assert "detections" not in record


@pytest.mark.parametrize("name", ["ä\n.jpg", '"\\.jpg', "\u2028.jpg"])
def test_odd_names_stay_on_one_line(name):
    line = log_line(make_outcome(name=name)).decode()
    assert line.count("\n") == 1
    assert json.loads(line)["source"] == name


def test_log_is_appended_to(tmp_path):
    path = tmp_path / "new" / "log.jsonl"
    for index in range(2):
        with JsonlLog(path) as log:
            log.write(make_outcome(index))
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0, 1]


def test_log_line_is_in_the_file_as_soon_as_it_is_written(tmp_path):
    log = JsonlLog(tmp_path / "log.jsonl")
    log.write(make_outcome())
    assert (tmp_path / "log.jsonl").read_bytes().endswith(b"}\n")
    log.close()
    log.close()


def test_log_on_a_full_disk_is_an_error():
    log = JsonlLog(Path("/dev/full"))
    with pytest.raises(SinkError, match="/dev/full: No space left on device"):
        log.write(make_outcome())
    log.close()


def test_log_goes_into_a_pipe():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe:
        with JsonlLog(Path(f"/dev/fd/{writer}")) as log:
            log.write(make_outcome(5))
        os.close(writer)
        assert json.loads(pipe.read())["frame"] == 5


def test_log_into_a_pipe_nobody_reads_is_an_error():
    reader, writer = os.pipe()
    with JsonlLog(Path(f"/dev/fd/{writer}")) as log:
        os.close(reader)
        with pytest.raises(SinkError, match="Broken pipe"):
            log.write(make_outcome())
    os.close(writer)


def test_half_a_log_line_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    with JsonlLog(path) as log:
        log.write(make_outcome(0))
        before = path.read_bytes()
        file = log._file

        class FullAfterTen:
            def __getattr__(self, name):
                return getattr(file, name)

            def write(self, data):
                if len(data) < 50:
                    raise OSError(28, "No space left on device")
                return file.write(data[: len(data) - 10])

        log._file = FullAfterTen()
        with pytest.raises(SinkError, match="No space left"):
            log.write(make_outcome(1))
        assert path.read_bytes() == before


def write_all(path, pictures, fps=10.0):
    with VideoFileSink(path, fps) as sink:
        for index, pixels in enumerate(pictures):
            sink.write(make_outcome(index, pixels))


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov", ".mkv", ".avi", ".AVI"])
def test_video_has_every_frame(tmp_path, ending):
    path = tmp_path / f"video{ending}"
    write_all(path, [grey(20 * index) for index in range(10)])
    assert [int(round(f.mean(), -1)) for f in frames_of(path)] == [20 * i for i in range(10)]
    assert names_in(tmp_path) == [path.name]


@pytest.mark.parametrize(("fps", "expected"), [(25.0, 25.0), (None, module.DEFAULT_FPS)])
def test_video_plays_at_the_rate_of_its_source(tmp_path, fps, expected):
    write_all(tmp_path / "video.mp4", [grey(0)] * 5, fps)
    assert cv2.VideoCapture(str(tmp_path / "video.mp4")).get(cv2.CAP_PROP_FPS) == expected


@pytest.mark.parametrize("size", [(49, 65), (48, 65), (49, 64)])
def test_odd_sides_lose_a_row_or_column(tmp_path, size):
    write_all(tmp_path / "video.mp4", [grey(9, size)] * 3)
    assert [frame.shape for frame in frames_of(tmp_path / "video.mp4")] == [(48, 64, 3)] * 3


def test_frames_of_other_sizes_are_fitted_into_the_first(tmp_path):
    sizes = [(48, 64), (480, 640), (47, 63), (49, 65), (100, 20), (16, 400)]
    write_all(tmp_path / "video.mp4", [grey(200, size) for size in sizes])
    frames = frames_of(tmp_path / "video.mp4")
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * len(sizes)


def test_video_is_not_there_under_its_name_until_it_is_finished(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"earlier")
    sink = VideoFileSink(path, 10.0)
    for index in range(5):
        sink.write(make_outcome(index))
    assert path.read_bytes() == b"earlier"
    sink.close()
    assert len(frames_of(path)) == 5
    sink.close()


def test_run_without_frames_leaves_an_earlier_video(tmp_path):
    (tmp_path / "video.mp4").write_bytes(b"earlier")
    write_all(tmp_path / "video.mp4", [])
    assert (tmp_path / "video.mp4").read_bytes() == b"earlier"


def test_exception_in_the_run_finishes_the_video(tmp_path):
    def break_off():
        with VideoFileSink(tmp_path / "video.mp4", 10.0) as sink:
            for index in range(5):
                sink.write(make_outcome(index))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert len(frames_of(tmp_path / "video.mp4")) == 5


@pytest.mark.parametrize("earlier", [True, False])
def test_full_disk_ends_the_video_but_never_replaces_an_earlier_one(tmp_path, monkeypatch, earlier):
    path = tmp_path / "video.mp4"
    if earlier:
        path.write_bytes(b"earlier")
    free = iter([1 << 40, 0])
    usage = type("Usage", (), {"free": property(lambda self: next(free))})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage())
    with pytest.raises(SinkError) as caught:
        write_all(path, [grey(index) for index in range(40)])
    assert str(path) in str(caught.value)
    if earlier:
        assert path.read_bytes() == b"earlier"
        assert "an earlier one was left as it was" in str(caught.value)
    else:
        assert len(frames_of(path)) == 30
        assert "the disk is full after 30 frames" in str(caught.value)
    assert names_in(tmp_path) == [path.name]


def test_video_that_cannot_be_read_back_is_an_error(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"earlier")
    sink = VideoFileSink(path, 10.0)
    for index in range(5):
        sink.write(make_outcome(index))
    sink._writer.release()
    sink._partial.write_bytes(b"lost")
    with pytest.raises(SinkError, match=r"could not be written whole .*an earlier one was left"):
        sink.close()
    assert path.read_bytes() == b"earlier"
    assert names_in(tmp_path) == [path.name]


def test_ending_that_opencv_cannot_write_is_an_error(tmp_path):
    with pytest.raises(SinkError, match=r"cannot write a video here.*\.mp4"):
        write_all(tmp_path / "video.nonsense", [grey(0)])
    assert names_in(tmp_path) == []


def test_folder_in_the_videos_place_is_an_error_before_the_run(tmp_path):
    (tmp_path / "video.mp4").mkdir()
    with pytest.raises(SinkError, match=r"video\.mp4: a folder has this name"):
        VideoFileSink(tmp_path / "video.mp4", 10.0)


@pytest.mark.parametrize("kind", [JsonlLog, PictureFolder, lambda path: VideoFileSink(path, 1.0)])
def test_parent_that_is_a_file_is_an_error(tmp_path, kind):
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="choose another"):
        kind(tmp_path / "file" / "below" / "out.mp4")


def test_log_that_is_a_folder_is_an_error(tmp_path):
    with pytest.raises(SinkError, match="Is a directory; choose another file"):
        JsonlLog(tmp_path)


def test_picture_folder_names_pictures_by_number_and_source(tmp_path, noise):
    with PictureFolder(tmp_path / "new" / "out") as sink:
        sink.write(make_outcome(0, noise, name="cat.png"))
        sink.write(make_outcome(1, noise, name="cat.jpg"))
        sink.write(make_outcome(12, noise))
    names = names_in(tmp_path / "new" / "out")
    assert names == ["000000_cat.jpg", "000001_cat.jpg", "000012.jpg"]
    for name in names:
        assert read_picture(tmp_path / "new" / "out" / name).shape == noise.shape


def test_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    sink = PictureFolder(tmp_path / "out")
    (tmp_path / "out" / "000000.jpg").mkdir()
    with pytest.raises(SinkError, match=r"000000\.jpg: Is a directory"):
        sink.write(make_outcome())
    assert names_in(tmp_path / "out") == ["000000.jpg"]
    sink.close()
    sink.close()


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


def test_encoded_picture_looks_like_the_original(tmp_path, noise):
    smooth = cv2.resize(noise[:6, :8], (64, 48), interpolation=cv2.INTER_CUBIC)
    PictureFolder(tmp_path).write(make_outcome(0, smooth))
    written = read_picture(tmp_path / "000000.jpg")
    assert np.abs(written.astype(int) - smooth).mean() < 8


def test_sinks_are_made_by_the_outputs_name(tmp_path):
    def kinds(output, log):
        made = make_sinks(output, log, None)
        for sink in made:
            sink.close()
        return [type(sink) for sink in made]

    assert kinds(None, None) == []
    assert kinds(tmp_path / "a.MP4", None) == [VideoFileSink]
    assert kinds(tmp_path / "folder", tmp_path / "log.jsonl") == [PictureFolder, JsonlLog]
    wants = [sink.wants_picture for sink in make_sinks(tmp_path / "a.mp4", None, None)]
    assert wants == [True]
    assert not JsonlLog.wants_picture


@pytest.mark.parametrize(
    ("output", "log", "source", "complaint"),
    [
        ("a.mp4", None, "a.mp4", "is the source"),
        (None, "a.jpg", "./a.jpg", "is the source"),
        ("x.mp4", "x.mp4", "demo", "both"),
        ("bundle/samples", None, "demo", "lies in the bundle"),
        (None, "bundle/manifest.json", "demo", "lies in the bundle"),
        ("photos/out", None, "photos", "lies in the source folder"),
        ("x.webm", None, "demo", "a video ends in"),
        (None, None, "", "--source is empty"),
    ],
)
def test_output_that_would_destroy_something_is_refused(
    tmp_path, monkeypatch, output, log, source, complaint
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match=complaint):
        refuse_overwriting(output and Path(output), log and Path(log), source, Path("bundle"))


def test_outputs_beside_the_source_are_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    refuse_overwriting(Path("annotated"), Path("log.jsonl"), "photos", Path("bundle"))
    refuse_overwriting(Path("annotated.mp4"), None, "a.mp4", Path("bundle"))
