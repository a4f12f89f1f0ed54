from __future__ import annotations

from dataclasses import replace

import pytest

from device.errors import SinkError
from device.outputs.counts import CountsSink
from device.records import LineState, SceneEvent, SceneState, ZoneState
from tests.device.conftest import make_outcome, names_in

HEADER = "time,place,in,out,inside_most,inside_mean,dwell_s,wait_s"


def frame(time_s, inside, *events, wait_s=None):
    zone = ZoneState(name="till", inside=inside, entered=0, left=0, dwell_s=None, wait_s=wait_s)
    scene = SceneState(
        time_s=time_s,
        events=tuple(SceneEvent(kind, None, place, dwell) for kind, place, dwell in events),
        zones=(zone,),
        lines=(LineState(name="door", ins=0, outs=0),),
    )
    outcome = make_outcome()
    return replace(outcome, result=replace(outcome.result, scene=scene))


def test_each_minute_and_hour_has_a_row_for_each_place(tmp_path):
    with CountsSink(tmp_path / "counts") as sink:
        sink.write(frame(3600.0, 1, ("zone-entered", "till", None), ("line-in", "door", None)))
        sink.write(frame(3630.0, 3, wait_s=40.0))
        sink.write(frame(3659.9, 2, ("zone-left", "till", 20.0), ("line-out", "door", None)))
        sink.write(frame(3660.0, 2, ("zone-left", "till", 30.0)))
        sink.write(frame(7200.0, 0))
    folder = tmp_path / "counts"
    assert names_in(folder) == ["hours.csv", "minutes.csv"]
    assert (folder / "minutes.csv").read_text().splitlines() == [
        HEADER,
        "1970-01-01T01:00:00.000Z,till,1,1,3,2.0,20.0,",
        "1970-01-01T01:00:00.000Z,door,1,1,,,,",
        "1970-01-01T01:01:00.000Z,till,0,1,2,2.0,30.0,",
        "1970-01-01T01:01:00.000Z,door,0,0,,,,",
        "1970-01-01T02:00:00.000Z,till,0,0,0,0.0,,",
        "1970-01-01T02:00:00.000Z,door,0,0,,,,",
    ]
    assert (folder / "hours.csv").read_text().splitlines() == [
        HEADER,
        "1970-01-01T01:00:00.000Z,till,1,2,3,2.0,25.0,",
        "1970-01-01T01:00:00.000Z,door,1,1,,,,",
        "1970-01-01T02:00:00.000Z,till,0,0,0,0.0,,",
        "1970-01-01T02:00:00.000Z,door,0,0,,,,",
    ]


def test_next_run_goes_on_in_the_same_tables(tmp_path):
    for hour in (1, 2):
        with CountsSink(tmp_path) as sink:
            sink.write(frame(3600.0 * hour, 1))
    assert len((tmp_path / "hours.csv").read_text().splitlines()) == 5


def test_frames_without_a_scene_are_no_minute(tmp_path):
    with CountsSink(tmp_path) as sink:
        sink.write(make_outcome())
    assert (tmp_path / "minutes.csv").read_text().splitlines() == [HEADER]


def test_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="choose another"):
        CountsSink(tmp_path / "file")


def test_minute_that_comes_again_as_the_clock_is_set_back_has_a_row_for_each_time(tmp_path):
    with CountsSink(tmp_path) as sink:
        sink.write(frame(7230.0, 1, ("zone-entered", "till", None)))
        sink.write(frame(3630.0, 2, ("zone-entered", "till", None)))  # an hour back
        sink.write(frame(7230.0, 3, ("zone-entered", "till", None)))  # and ahead again
    rows = [line.split(",") for line in (tmp_path / "minutes.csv").read_text().splitlines()]
    entered = [(row[0], row[2], row[4]) for row in rows if row[1] == "till"]
    assert entered == [
        ("1970-01-01T02:00:00.000Z", "1", "1"),
        ("1970-01-01T01:00:00.000Z", "1", "2"),
        ("1970-01-01T02:00:00.000Z", "1", "3"),
    ]
