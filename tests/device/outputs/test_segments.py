from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from device.errors import SinkError
from device.outputs import retention, segments
from device.outputs.pace import Pace
from device.outputs.segments import SegmentSink, VideoSeries
from device.system.partial_file import partial_of
from tests.device.conftest import frames_of, make_outcome, names_in

NAME = re.compile(r"cam-\d{8}T\d{6}Z\.mp4")


def grey(value: int) -> np.ndarray:
    return np.full((48, 64, 3), value, np.uint8)


def busy(index: int) -> np.ndarray:
    """A picture that takes some 40 kB, unlike the others."""
    return np.random.default_rng(index).integers(0, 256, (120, 160, 3), np.uint8)


@pytest.fixture(autouse=True)
def a_second_per_name(monkeypatch):
    """Frames come in no time here: let the wall clock go on by one second per look."""
    clock = itertools.count(1_800_000_000)
    monkeypatch.setattr(segments.time, "time", lambda: next(clock))


def duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.duration / av.time_base


def test_each_segment_is_as_long_as_asked_for_and_has_its_frames(tmp_path):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 2.0, None) as sink:
        for index in range(50):
            sink.write(make_outcome(index, grey(5 * index)))
    names = names_in(tmp_path)
    assert all(NAME.fullmatch(name) for name in names)
    values = [[round(frame.mean()) for frame in frames_of(tmp_path / name)] for name in names]
    assert [len(part) for part in values] == [20, 20, 10]
    assert [*itertools.chain(*values)] == pytest.approx([5 * index for index in range(50)], abs=2)
    assert [duration_s(tmp_path / name) for name in names] == pytest.approx([2, 2, 1], abs=0.01)


def test_segment_of_a_live_source_is_named_by_when_its_first_frame_was_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(segments.time, "time", lambda: 1_795_271_400.5)  # 2026-11-21 14:30:00
    now_s = 1000.0
    monkeypatch.setattr(segments.time, "monotonic", lambda: now_s)
    with SegmentSink(tmp_path / "cam.mkv", Pace(10.0, live=True), 60.0, None) as sink:
        for age_s in (120.0, 61.0, 60.0, 0.0):
            outcome = make_outcome()
            sink.write(replace(outcome, frame=replace(outcome.frame, captured_at_s=now_s - age_s)))
    assert names_in(tmp_path) == [
        "cam-20261121T142800Z.mkv",
        "cam-20261121T142900Z.mkv",
        "cam-20261121T143000Z.mkv",
    ]


def test_clock_that_is_set_makes_no_segment_longer_or_shorter(tmp_path, monkeypatch):
    wall_s = iter([1_795_271_400.0, 1_795_271_400.0 - 10_800, 1_795_271_400.0 + 10_800])
    monkeypatch.setattr(segments.time, "time", lambda: next(wall_s))
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 2.0, None) as sink:
        for index in range(60):
            sink.write(make_outcome(index))
    assert names_in(tmp_path) == [
        "cam-20261121T113000Z.mp4",
        "cam-20261121T143000Z.mp4",
        "cam-20261121T173000Z.mp4",
    ]
    assert [len(frames_of(path)) for path in tmp_path.iterdir()] == [20, 20, 20]


@pytest.mark.usefixtures("berlin")
def test_segment_is_named_by_the_machines_own_time_where_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(segments.time, "time", lambda: 1_795_271_400.5)
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 60.0, None, local_time=True) as sink:
        sink.write(make_outcome())
    assert names_in(tmp_path) == ["cam-20261121T153000+0100.mp4"]


def test_segment_takes_no_name_that_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(segments.time, "time", lambda: 1_795_271_400.0)  # a clock that was set back
    for name in ("cam-20261121T143000Z.mp4", "cam-20261121T143001Z.partial.mp4"):
        (tmp_path / name).write_bytes(b"earlier")
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 60.0, None) as sink:
        sink.write(make_outcome())
    assert names_in(tmp_path) == [
        "cam-20261121T143000Z.mp4",
        "cam-20261121T143001Z.mp4",
        "cam-20261121T143002Z.mp4",
    ]


def test_segment_under_way_has_no_final_name(tmp_path):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 60.0, None) as sink:
        sink.write(make_outcome())
        (name,) = names_in(tmp_path)
        assert name.endswith("Z.partial.mp4")
    assert names_in(tmp_path) == [name.replace(".partial", "")]


def test_segment_that_is_removed_while_it_is_written_is_followed_by_another(tmp_path, capsys):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, 1 << 30) as sink:
        sink.write(make_outcome(0))
        (removed,) = tmp_path.iterdir()
        removed.unlink()
        for index in range(1, 15):
            sink.write(make_outcome(index))
    assert [len(frames_of(tmp_path / name)) for name in names_in(tmp_path)] == [10, 4]
    assert capsys.readouterr().err == f"{removed}: was removed while it was written\n"


def size_of(folder: Path, names: list[str]) -> int:
    return sum((folder / name).stat().st_size for name in names)


def test_quota_removes_the_oldest_segments_and_nothing_else(tmp_path):
    others = ["cam-20200101T000000Z.mkv", "cam-20200101T000000Z-copy.mp4", "cam.mp4", "notes.txt",
              "webcam-20200101T000000Z.mp4", "cam-2020.mp4"]  # fmt: skip
    earlier = ["cam-20200101T000000Z.mp4", "cam-20200102T000000Z.partial.mp4"]
    for name in [*others, *earlier]:
        (tmp_path / name).write_bytes(bytes(900_000))
    quota = 1_000_000
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 0.5, quota) as sink:
        for index in range(100):
            sink.write(make_outcome(index, busy(index)))
            ours = [name for name in names_in(tmp_path) if name not in others]
            assert size_of(tmp_path, ours) < quota + 60_000, "by no more than a frame"
    names = [name for name in names_in(tmp_path) if name not in others]
    assert len(names_in(tmp_path)) == len(names) + len(others)
    assert not set(names) & set(earlier)
    assert size_of(tmp_path, names) > quota / 2
    last = frames_of(tmp_path / names[-1])[-1].astype(float)
    assert np.abs(last - busy(99)).mean() < np.abs(last - busy(98)).mean()
    assert all(len(frames_of(tmp_path / name)) == 5 for name in names)


def test_segment_that_would_take_all_of_the_quota_ends_early(tmp_path):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 3600.0, 1_000_000) as sink:
        for index in range(100):
            sink.write(make_outcome(index, busy(index)))
    names = names_in(tmp_path)
    assert len(names) >= 3
    assert size_of(tmp_path, names) < 1_100_000


def test_quota_keeps_a_run_going_on_a_full_disk(small_disk, monkeypatch, capsys):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 500_000)
    with SegmentSink(small_disk / "cam.mp4", Pace(10.0), 0.5, 1 << 30) as sink:
        for index in range(120):
            sink.write(make_outcome(index, busy(index)))
    names = names_in(small_disk)
    assert 2 <= len(names) < 24
    assert all(len(frames_of(small_disk / name)) == 5 for name in names)
    assert capsys.readouterr().err == f"{small_disk}: the disk is nearly full, the oldest go\n"


def test_full_disk_without_a_quota_is_an_error_and_removes_nothing(small_disk, monkeypatch):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 500_000)
    with (
        pytest.raises(SinkError, match=f"{small_disk}: the disk is full"),
        SegmentSink(small_disk / "cam.mp4", Pace(10.0), 0.5, None) as sink,
    ):
        for index in range(1000):
            sink.write(make_outcome(index, busy(index)))
    names = names_in(small_disk)
    assert len(names) > 4
    first = frames_of(small_disk / names[0])[0].astype(float)
    assert np.abs(first - busy(0)).mean() < np.abs(first - busy(1)).mean()
    assert all(NAME.fullmatch(name) and frames_of(small_disk / name) for name in names)


def test_new_segment_takes_the_size_of_its_own_frames(tmp_path):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, None) as sink:
        for index in range(20):
            size_wh = (64, 48) if index < 10 else (128, 96)
            sink.write(make_outcome(index, cv2.resize(grey(9), size_wh)))
    shapes = [frames_of(tmp_path / name)[0].shape for name in names_in(tmp_path)]
    assert shapes == [(48, 64, 3), (96, 128, 3)]


def test_parent_folder_is_made(tmp_path):
    SegmentSink(tmp_path / "new" / "cam.mp4", Pace(10.0), 1.0, 1000).close()
    assert (tmp_path / "new").is_dir()


def test_segment_that_a_killed_run_left_gets_its_name_and_counts_for_the_quota(tmp_path, capsys):
    left = tmp_path / "cam-20200101T000000Z.partial.mp4"
    left.write_bytes(bytes(5000))
    (tmp_path / "dog-20200101T000000Z.partial.mp4").write_bytes(b"another's")
    SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, None).close()
    assert names_in(tmp_path) == ["cam-20200101T000000Z.mp4", "dog-20200101T000000Z.partial.mp4"]
    assert "cam-20200101T000000Z.mp4: what a run that was cut off" in capsys.readouterr().err
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, 1000) as sink:
        sink.write(make_outcome(0))
    assert "cam-20200101T000000Z.mp4" not in names_in(tmp_path)


def test_second_run_with_one_output_is_refused(tmp_path):
    with SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, None) as first:
        first.write(make_outcome(0))
        with pytest.raises(SinkError, match=r"cam\.mp4: another run is writing it"):
            SegmentSink(tmp_path / "cam.mp4", Pace(10.0), 1.0, None)
        SegmentSink(tmp_path / "other.mp4", Pace(10.0), 1.0, None).close()
    (name,) = names_in(tmp_path)
    assert len(frames_of(tmp_path / name)) == 1


def test_quota_never_removes_what_another_run_is_writing(tmp_path):
    """Two runs may keep clips of one class in one folder."""
    pace = Pace(10.0)
    with VideoSeries(tmp_path, ["cat"], ".mp4", pace, 10.0, None) as first:
        first.write("cat", make_outcome(0).image, 0.0)
        with VideoSeries(tmp_path, ["cat"], ".mp4", pace, 10.0, 1) as second:
            assert second.others == [partial_of(first.path)]
            second.write("cat", make_outcome(0).image, 0.0)
    assert all(frames_of(tmp_path / name) for name in names_in(tmp_path))
