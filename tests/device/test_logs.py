from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from device.errors import SinkError
from device.logs import JsonlLog, log_line
from device.records import Classification, Detection, Result
from tests.device.conftest import make_outcome

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


def test_log_that_is_a_folder_is_an_error(tmp_path):
    with pytest.raises(SinkError, match="Is a directory; choose another file"):
        JsonlLog(tmp_path)
