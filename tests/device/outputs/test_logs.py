from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import SinkError
from device.outputs.logs import CsvLog, JsonlLog, make_log
from device.outputs.serialization import to_json
from device.records import Classification, Detection
from tests.device.conftest import make_outcome, names_in

CAT = Detection(17, "cat", 0.93456789, 1.04, 2.0, 407.25, 298.149)


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


@pytest.mark.parametrize("kind", [JsonlLog, CsvLog])
def test_log_that_a_power_cut_halved_goes_on_in_a_new_line(tmp_path, kind):
    path = tmp_path / "log"
    with kind(path) as log:
        log.write(make_outcome(0, detections=(CAT,)))
        log.write(make_outcome(1, detections=(CAT,)))
    half = path.read_bytes()[:-20]
    path.write_bytes(half)
    with kind(path) as log:
        log.write(make_outcome(2, detections=(CAT,)))
    assert path.read_bytes().startswith(half + b"\n")
    assert path.read_bytes().count(b"\n") == half.count(b"\n") + 2


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_table_has_a_row_per_detection(tmp_path):
    path = tmp_path / "log.csv"
    dog = Detection(16, 'a "dog", or two', 0.5, 0, 0, 10, 20)
    with CsvLog(path) as log:
        log.write(make_outcome(0, name="a.jpg", detections=(CAT, dog)))
        log.write(make_outcome(1))
        kept = make_outcome(2, detections=(CAT,))
        log.write(replace(kept, result=replace(kept.result, kept=True)))
    assert re.sub(TIME, "TIME", path.read_text()) == (
        "frame,source,time,label,class_id,score,x_min,y_min,x_max,y_max,kept\n"
        "0,a.jpg,TIME,cat,17,0.9346,1.0,2.0,407.2,298.1,0\n"
        '0,a.jpg,TIME,"a ""dog"", or two",16,0.5,0,0,10,20,0\n'
        "2,,TIME,cat,17,0.9346,1.0,2.0,407.2,298.1,1\n"
    )


def test_table_of_a_classifier_has_no_boxes(tmp_path):
    outcome = make_outcome()
    classes = (Classification(3, "cat", 0.75), Classification(4, "dog", 0.25))
    with CsvLog(tmp_path / "log.csv") as log:
        log.write(replace(outcome, result=replace(outcome.result, classes=classes)))
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["label"], row["score"], row["x_min"]) for row in rows] == [
        ("cat", "0.75", ""),
        ("dog", "0.25", ""),
    ]


def test_table_has_its_header_once(tmp_path):
    path = tmp_path / "log.csv"
    for index in range(2):
        with CsvLog(path) as log:
            log.write(make_outcome(index, detections=(CAT,)))
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["frame", "0", "1"]


def test_file_of_other_columns_is_not_appended_to(tmp_path):
    path = tmp_path / "addresses.csv"
    path.write_text("name,street\n")
    with pytest.raises(SinkError, match=r"addresses\.csv: has other columns; choose another"):
        CsvLog(path)
    assert path.read_text() == "name,street\n"


def test_ending_decides_the_kind_of_log(tmp_path):
    for name, kind in (
        ("a.csv", CsvLog),
        ("a.CSV", CsvLog),
        ("a.jsonl", JsonlLog),
        ("a", JsonlLog),
    ):
        with make_log(tmp_path / name, None) as log:
            assert type(log) is kind


def indices(path: Path) -> list[int]:
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def test_log_rotates_before_it_is_too_large_and_keeps_five(tmp_path):
    path = tmp_path / "log.jsonl"
    line = len(to_json(make_outcome(10))) + 1
    with JsonlLog(path, limit_bytes=3 * line) as log:
        for index in range(10, 35):
            log.write(make_outcome(index))
    assert names_in(tmp_path) == ["log.jsonl", *(f"log.jsonl.{age}" for age in range(1, 6))]
    kept = [path, *(tmp_path / f"log.jsonl.{age}" for age in range(1, 6))]
    assert [indices(path) for path in kept] == [
        [34],
        [31, 32, 33],
        [28, 29, 30],
        [25, 26, 27],
        [22, 23, 24],
        [19, 20, 21],
    ]


def test_log_of_an_earlier_run_counts_for_rotation(tmp_path):
    path = tmp_path / "log.jsonl"
    line = len(to_json(make_outcome(10))) + 1
    for index in (10, 11, 12):
        with JsonlLog(path, limit_bytes=2 * line) as log:
            log.write(make_outcome(index))
    assert indices(path) == [12]
    assert indices(tmp_path / "log.jsonl.1") == [10, 11]


def test_rotated_table_begins_with_its_header_and_is_never_empty(tmp_path):
    path = tmp_path / "log.csv"
    with CsvLog(path, limit_bytes=10) as log:  # less than a header
        for index in range(3):
            log.write(make_outcome(index, detections=(CAT,)))
    for name, frame in (("log.csv", "2"), ("log.csv.1", "1"), ("log.csv.2", "0")):
        lines = (tmp_path / name).read_text().splitlines()
        assert [line.split(",")[0] for line in lines] == ["frame", frame]
    assert len(names_in(tmp_path)) == 3


def test_pipe_cannot_be_kept_to_a_size():
    reader, writer = os.pipe()
    with pytest.raises(SinkError, match="only a file can be kept to a size"):
        JsonlLog(Path(f"/dev/fd/{writer}"), limit_bytes=1000)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("kind", [JsonlLog, CsvLog])
def test_disk_that_fills_up_leaves_whole_lines(small_disk, kind):
    (small_disk / "other").write_bytes(bytes(2_000_000))
    path = small_disk / "log"
    with kind(path) as log, pytest.raises(SinkError, match=f"{path}: No space left on device"):
        for index in range(10_000):
            log.write(make_outcome(index, detections=(CAT,)))
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) > 100
    assert lines[-1].endswith(b"\n")
    assert len(lines[-1]) > 60
