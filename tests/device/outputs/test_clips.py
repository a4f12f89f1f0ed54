from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from device.errors import SinkError
from device.outputs import clips, retention, segments
from device.outputs.clips import BEFORE_S, ClipSink
from device.outputs.pace import Pace
from device.records import Detection, Outcome
from tests.device.conftest import frames_of, make_outcome, names_in

CAT = Detection(17, "cat", 0.9, 10, 12, 40, 44)
DOG = Detection(18, "hot dog", 0.8, 0, 0, 10, 10)
TEN = Pace(10.0)


def frame(index: int, *detections: Detection) -> Outcome:
    """A frame that shows its index modulo 256, as two greys that compression leaves apart."""
    pixels = np.empty((48, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = index % 256 // 16 * 16, index % 16 * 16
    return make_outcome(index, pixels, detections=detections)


def frames_in(path: Path) -> list[int]:
    """The indices of the frames that a clip has."""
    greys = [(pixels[:, :24].mean(), pixels[:, 40:].mean()) for pixels in frames_of(path)]
    return [16 * round(float(left) / 16) + round(float(right) / 16) for left, right in greys]


def run(
    folder: Path, seen_at: dict[int, Detection], frames: int, after_s: float, **options
) -> None:
    with ClipSink(folder, ["cat", "hot dog"], after_s, TEN, **options) as sink:
        for index in range(frames):
            sink.write(frame(index, *([seen_at[index]] if index in seen_at else [])))


@pytest.fixture(autouse=True)
def a_second_per_name(monkeypatch):
    clock = itertools.count(1_795_271_400)  # 2026-11-21 14:30:00
    monkeypatch.setattr(segments.time, "time", lambda: next(clock))


@pytest.mark.usefixtures("berlin")
def test_clip_is_named_by_the_machines_own_time_where_asked(tmp_path):
    run(tmp_path, {0: CAT}, 5, 1.0, local_time=True)
    assert names_in(tmp_path) == ["cat-20261121T153000+0100.mp4"]


def test_clip_is_from_three_seconds_before_until_so_long_after(tmp_path):
    run(tmp_path, {100: CAT, 104: CAT, 130: CAT}, 220, 4.0)
    assert names_in(tmp_path) == ["cat-20261121T143000Z.mp4"]
    frames = frames_in(tmp_path / names_in(tmp_path)[0])
    assert frames == list(range(70, 171))


def test_events_far_apart_have_a_clip_each_named_by_what_came_first(tmp_path):
    run(tmp_path, {50: DOG, 55: CAT, 150: CAT}, 200, 1.0)
    names = names_in(tmp_path)
    assert names == ["cat-20261121T143001Z.mp4", "hot_dog-20261121T143000Z.mp4"]
    assert frames_in(tmp_path / names[1]) == list(range(20, 66))
    assert frames_in(tmp_path / names[0]) == list(range(120, 161))


def test_no_frame_is_in_two_clips(tmp_path):
    run(tmp_path, {50: CAT, 80: CAT}, 120, 1.0)
    first, second = (frames_in(tmp_path / name) for name in names_in(tmp_path))
    assert first == list(range(20, 61))
    assert second == list(range(61, 91))


def test_event_at_the_start_has_what_there_is_before(tmp_path):
    run(tmp_path, {2: CAT}, 40, 1.0)
    assert frames_in(tmp_path / names_in(tmp_path)[0]) == list(range(13))


def test_run_that_ends_in_an_event_keeps_its_clip_whole(tmp_path):
    run(tmp_path, {50: CAT}, 52, 10.0)
    assert frames_in(tmp_path / names_in(tmp_path)[0]) == list(range(20, 52))


def test_other_classes_and_kept_detections_make_no_clip(tmp_path):
    with ClipSink(tmp_path, ["cat"], 1.0, TEN) as sink:
        for index in range(20):
            outcome = frame(index, CAT)
            sink.write(replace(outcome, result=replace(outcome.result, kept=True)))
            sink.write(frame(index, DOG))
        assert sink.path() is None
    assert names_in(tmp_path) == []


def test_path_is_that_of_the_clip_under_way(tmp_path):
    with ClipSink(tmp_path, ["cat"], 1.0, TEN) as sink:
        sink.write(frame(0))
        assert sink.path() is None
        sink.write(frame(1, CAT))
        assert sink.path() == tmp_path / "cat-20261121T143000Z.mp4"
        for index in range(2, 20):
            sink.write(frame(index))
        assert sink.path() is None
        assert (tmp_path / "cat-20261121T143000Z.mp4").exists()


def test_clip_of_a_live_source_has_its_times(tmp_path, monkeypatch):
    monkeypatch.setattr(segments.time, "monotonic", lambda: 1000.0)
    times = [900.0, 904.0, 904.5, 906.0, 906.2, 907.0, 930.0]
    with ClipSink(tmp_path, ["cat"], 2.0, Pace(10.0, live=True)) as sink:
        for index, seconds in enumerate(times):
            outcome = frame(index, *([CAT] if seconds == 906.0 else []))
            sink.write(replace(outcome, frame=replace(outcome.frame, captured_at_s=seconds)))
    (name,) = names_in(tmp_path)
    assert name == "cat-20261121T142824Z.mp4", "96 s ago"
    with av.open(str(tmp_path / name)) as container:
        shown = [float(frame.time) for frame in container.decode(video=0)]
    assert shown == pytest.approx([0.0, 0.5, 2.0, 2.2, 3.0], abs=1e-3)


def test_what_is_held_is_bounded_in_time_and_in_bytes(tmp_path, monkeypatch, noise):
    with ClipSink(tmp_path, ["cat"], 1.0, TEN) as sink:
        for index in range(100):
            sink.write(make_outcome(index, noise))
        assert len(sink._held) == BEFORE_S * 10 + 1
        assert sink._held[0].at_s == pytest.approx(9.9 - BEFORE_S)
        assert sink._held_bytes == sum(len(held.jpeg) for held in sink._held)
        monkeypatch.setattr(clips, "BEFORE_BYTES", 20_000)
        sink.write(make_outcome(100, noise))
        assert 15_000 < sink._held_bytes < 30_000
        assert sink._held_bytes == sum(len(held.jpeg) for held in sink._held)


def test_frames_before_are_written_a_few_at_a_time(tmp_path, monkeypatch):
    with ClipSink(tmp_path, ["cat"], 10.0, TEN) as sink:
        for index in range(50):
            sink.write(frame(index))
        for index in range(50, 90):
            before = len(sink._held)
            sink.write(frame(index, CAT))
            assert before - len(sink._held) <= 1
        assert len(sink._held) == 0, "it has caught up"


def test_long_event_goes_on_in_the_next_clip(tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "MAX_CLIP_S", 5.0)
    run(tmp_path, dict.fromkeys(range(10, 120), CAT), 120, 1.0)
    parts = [frames_in(tmp_path / name) for name in names_in(tmp_path)]
    assert [len(part) for part in parts] == [50, 50, 20]
    assert [*itertools.chain(*parts)] == list(range(120))


def test_quota_removes_the_oldest_clips_of_these_classes(tmp_path):
    for name in ("cat-20200101T000000Z.mp4", "bird-20200101T000000Z.mp4"):
        (tmp_path / name).write_bytes(bytes(40_000))
    run(tmp_path, {30: CAT, 80: DOG, 130: CAT}, 180, 1.0, quota_bytes=30_000)
    assert "bird-20200101T000000Z.mp4" in names_in(tmp_path)
    assert "cat-20200101T000000Z.mp4" not in names_in(tmp_path)
    assert "cat-20261121T143002Z.mp4" in names_in(tmp_path)


def test_full_disk_loses_the_clip_not_the_run_and_is_told_of_once(tmp_path, monkeypatch, capsys):
    free = [0]
    usage = type("Usage", (), {"free": property(lambda self: free[0])})
    monkeypatch.setattr(retention.shutil, "disk_usage", lambda _: usage())
    with ClipSink(tmp_path, ["cat"], 1.0, TEN) as sink:
        for index in range(200):
            free[0] = 1 << 40 if index > 100 else 0
            sink.write(frame(index, *([CAT] if index in (50, 51, 150) else [])))
    said = capsys.readouterr().err
    assert said.startswith("a clip is lost, the run goes on: ")
    assert "the disk is full" in said
    assert said.count("\n") == 1
    (name,) = names_in(tmp_path)
    assert frames_in(tmp_path / name) == list(range(120, 161))


def test_disk_that_fills_up_within_a_clip_keeps_its_beginning(small_disk, monkeypatch, capsys):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 500_000)
    random = np.random.default_rng(0)
    with ClipSink(small_disk, ["cat"], 10.0, TEN) as sink:
        for index in range(200):
            pixels = random.integers(0, 256, (120, 160, 3), np.uint8)
            sink.write(make_outcome(index, pixels, detections=(CAT,)))
    assert len(frames_of(small_disk / names_in(small_disk)[0])) > 5
    assert re.search(r"the disk is full .* what there is of it\n$", capsys.readouterr().err)


def test_folder_that_cannot_be_made_is_an_error_before_the_run(tmp_path):
    (tmp_path / "clips").touch()
    with pytest.raises(SinkError, match="clips: File exists; choose another place"):
        ClipSink(tmp_path / "clips", ["cat"], 1.0, TEN)


def test_clip_of_a_named_run_begins_with_its_name(tmp_path):
    run(tmp_path, {10: CAT}, 40, 1.0, run_name="Back garden")
    assert names_in(tmp_path) == ["Back_garden-cat-20261121T143000Z.mp4"]


@pytest.mark.parametrize(("fps", "step"), [(10, 1), (15, 1), (20, 2), (25, 2), (30, 2), (60, 4)])
def test_clip_of_a_fast_source_has_evenly_chosen_frames_at_their_times(tmp_path, fps, step):
    pace = Pace(float(fps))
    with ClipSink(tmp_path, ["cat"], 1.0, pace) as sink:
        for index in range(2 * fps):
            outcome = frame(index, *([CAT] if index == fps else []))
            wanted = sink.needs_image(outcome.frame)
            assert wanted == (index % step == 0)
            sink.write(outcome if wanted else replace(outcome, image=None))
    (path,) = tmp_path.iterdir()
    with av.open(str(path)) as container:
        shown = [float(picture.time) for picture in container.decode(video=0)]
    assert shown == pytest.approx([n / fps for n in range(0, 2 * fps, step)], abs=1e-3)


def test_jitter_of_a_camera_changes_nothing_about_which_frames_are_chosen(tmp_path):
    random = np.random.default_rng(0)
    times = [100 + n / 30 + random.uniform(-0.005, 0.005) for n in range(200)]
    with ClipSink(tmp_path, ["cat"], 1.0, Pace(30.0, live=True)) as sink:
        for index, seconds in enumerate(times):
            outcome = frame(index)
            outcome = replace(outcome, frame=replace(outcome.frame, captured_at_s=seconds))
            assert sink.needs_image(outcome.frame) == (index % 2 == 0)
            sink.write(outcome)


def test_clip_has_its_name_on_the_frame_that_begins_it_though_it_is_left_out(tmp_path):
    with ClipSink(tmp_path, ["cat"], 1.0, Pace(30.0)) as sink:
        for index in range(11):
            sink.write(frame(index))
        begins = frame(11, CAT)
        assert not sink.needs_image(begins.frame)
        sink.write(replace(begins, image=None))
        assert sink.path() == tmp_path / "cat-20261121T143000Z.mp4"
        for index in range(12, 30):
            sink.write(frame(index))
    frames = frames_in(tmp_path / "cat-20261121T143000Z.mp4")
    assert frames == list(range(0, 30, 2))


def test_frames_of_a_source_whose_time_begins_anew_are_shown(tmp_path):
    with ClipSink(tmp_path, ["cat"], 1.0, Pace(30.0)) as sink:
        sink.write(frame(1000))
        assert sink.needs_image(frame(0).frame)


def test_clip_that_is_removed_while_it_is_written_goes_on_in_another(tmp_path, capsys):
    with ClipSink(tmp_path, ["cat"], 1.0, TEN) as sink:
        for index in range(20):
            sink.write(frame(index, CAT))
        first = sink.path()
        (removed,) = tmp_path.iterdir()
        removed.unlink()
        for index in range(20, 30):
            sink.write(frame(index, CAT))
        assert sink.path() not in (None, first)
    (name,) = names_in(tmp_path)
    assert frames_in(tmp_path / name) == list(range(20, 30))
    assert capsys.readouterr().err == f"{removed}: was removed while it was written\n"
