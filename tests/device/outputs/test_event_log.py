from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.events.feet import FootMap
from device.events.reader import VisitReader
from device.outputs.event_log import EventSink
from device.records import Detection, SceneEvent, SceneState, Visit
from tests.device.conftest import make_outcome


class Recorder:
    """Stands in for the writer."""

    has_room = True

    def __init__(self, *_):
        self.noted, self.taken, self.clips, self.feet = [], [], [], FootMap()

    def note(self, visit, source, time_s, *, ended=False, clip=None):
        self.noted.append((visit.visit_id, ended))
        self.clips.append(clip)

    def tread(self, feet):
        self.feet.merge(feet)

    def take(self, picture):
        self.taken.append(picture)

    def close(self):
        pass


def frame(time_s, score, best, *, events=(), kept=False, there=True):
    found = Detection(17, "cat", score, 1, 2, 30, 40, track_id=1, visit_id=1)
    visit = Visit(
        visit_id=1, class_id=17, label="cat", began_s=0.0, seen_s=time_s, score=best, box=found.box
    )
    scene = SceneState(
        time_s=time_s,
        visits=(visit,) if there else (),
        events=tuple(SceneEvent(kind, visit) for kind in events),
    )
    outcome = make_outcome(0, name="cam", detections=(found,) if there else ())
    return replace(outcome, result=replace(outcome.result, scene=scene, kept=kept))


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("device.outputs.event_log.EventWriter", lambda *_, **__: recorder)
    return recorder


def test_best_frames_are_kept_at_most_one_a_second(recorder):
    with EventSink(None) as sink:
        sink.write(frame(10.0, 0.7, 0.7, events=["visit-began"]))
        sink.write(frame(10.5, 0.8, 0.8))  # better, and too soon
        sink.write(frame(11.5, 0.7, 0.8))  # late enough, and no better
        sink.write(frame(11.6, 0.75, 0.8))  # better than the one that is kept
        sink.write(frame(13.0, 0.9, 0.9))
        sink.write(frame(14.0, 0.95, 0.95, kept=True))  # a prediction
    assert [picture.findings[0].score for picture in recorder.taken] == [0.7, 0.75, 0.9]
    assert recorder.taken[0].findings[0].visit_id == 1


def test_visit_that_was_seen_best_before_it_was_one_has_a_picture(recorder):
    with EventSink(None) as sink:
        sink.write(frame(10.0, 0.7, 0.9, events=["visit-began"]))
        sink.write(frame(10.1, 0.6, 0.9, events=["visit-ended"], there=False))
    assert [picture.findings[0].score for picture in recorder.taken] == [0.7]


def test_picture_that_there_is_no_room_for_is_tried_again(recorder):
    with EventSink(None) as sink:
        recorder.has_room = False
        sink.write(frame(10.0, 0.7, 0.7))
        recorder.has_room = True
        sink.write(frame(10.1, 0.7, 0.7))
    assert len(recorder.taken) == 1


def test_visits_are_noted_when_they_begin_now_and_then_and_when_they_end(recorder):
    recorder.has_room = False  # no pictures
    with EventSink(None) as sink:
        sink.write(frame(10.0, 0.7, 0.9, events=["visit-began"]))
        for hundredth in range(1, 20):
            sink.write(frame(10 + hundredth / 100, 0.7, 0.9))
        assert len(recorder.noted) == 2
        sink.write(frame(10.25, 0.7, 0.9))
        sink.write(frame(12.0, 0.7, 0.9, events=["visit-ended"], there=False))
    assert recorder.noted[2:] == [(1, False), (1, True)]


def test_visits_under_way_end_with_the_run(tmp_path):
    path = tmp_path / "events.db"
    with EventSink(path) as sink:
        sink.write(frame(10.0, 0.7, 0.7, events=["visit-began"]))
    store = VisitReader(path)
    (visit,) = store.visits()
    picture = store.picture(visit.number)
    store.close()
    assert (visit.source, visit.under_way, visit.has_picture) == ("cam", False, True)
    assert picture.size_wh == (64, 48)


def test_feet_are_noted_for_as_long_as_they_stood_where_they_were(recorder):
    with EventSink(None) as sink:
        for time_s in (10.0, 10.5, 11.0, 60.0):  # a second at most: the camera was away
            sink.write(frame(time_s, 0.7, 0.7))
    ((hour_and_label, cells),) = recorder.feet.entries.items()
    assert hour_and_label == (0, "cat")
    # The box's bottom centre is (15.5, 40) of 64x48 pixels: column 7 of 32, row 20 of 24.
    assert {place: seconds for place, seconds in enumerate(cells) if seconds} == {20 * 32 + 7: 2.0}


def test_clip_that_is_recorded_of_its_class_is_noted_with_a_visit(recorder):
    with EventSink(None, clip_of={"cat": Path("clips/cat-1.mp4")}.get) as sink:
        sink.write(frame(10.0, 0.7, 0.7, events=["visit-began"]))
    assert set(recorder.clips) == {"cat-1.mp4"}


def test_run_that_follows_nothing_leaves_nothing(recorder):
    with EventSink(None) as sink:
        sink.write(make_outcome())
    assert recorder.noted == []
