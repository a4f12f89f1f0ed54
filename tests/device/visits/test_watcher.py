from __future__ import annotations

import pytest

from device.records import Detection, Result, Timings
from device.visits.plan import read_plan
from device.visits.visit import VisitOptions
from device.visits.watcher import SceneWatcher, foot_of

RATE = 10.0
SIZE_WH = (400, 200)


def person(x: float, score: float = 0.9) -> Detection:
    """A box 40 wide and 80 high whose feet are at ``x`` + 20, 180."""
    return Detection(0, "person", score, x, 100, x + 40, 180)


def result(*found: Detection, kept: bool = False) -> Result:
    sure = tuple(item for item in found if item.score >= 0.5)
    unsure = tuple(item for item in found if item.score < 0.5)
    return Result(0, sure, Timings(0, 0, 0, 0), kept=kept, unsure=unsure)


def play(watcher, frames, times=None):
    """Results of frames, each a tuple of detections or None where the network was spared it."""
    results = []
    for number, found in enumerate(frames):
        at_s = number / RATE if times is None else times[number]
        given = result(kept=True) if found is None else result(*found)
        results.append(watcher.update(given, SIZE_WH, at_s, 1000 + at_s))
    return results


def kinds(results):
    return [event.kind for item in results for event in item.scene.events]


def test_detections_get_their_track_and_visit_from_the_third_frame_on():
    results = play(SceneWatcher(), [[person(100 + n)] for n in range(5)])
    ids = [[(item.track_id, item.visit_id) for item in r.detections] for r in results]
    assert ids == [[(None, None)], [(None, None)], [(1, 1)], [(1, 1)], [(1, 1)]]
    assert kinds(results) == ["visit-began"]


def test_false_box_on_one_frame_is_no_visit_and_sets_nothing_off():
    results = play(SceneWatcher(), [[], [person(100)], [], [], [], []])
    assert kinds(results) == []
    assert all(r.best_of(["person"]) is None for r in results)


def test_visit_is_what_sets_something_off():
    results = play(SceneWatcher(), [[person(100)]] * 4)
    assert [r.best_of(["person"]) is not None for r in results] == [False, False, True, True]


def test_box_below_the_threshold_keeps_its_visit_and_is_not_reported():
    frames = [[person(100)]] * 4 + [[person(100, 0.3), person(300, 0.3)]] * 20
    results = play(SceneWatcher(visits=VisitOptions(absent_s=1.0)), frames)
    assert results[-1].detections == ()
    assert [visit.visit_id for visit in results[-1].scene.visits] == [1]
    assert kinds(results) == ["visit-began"]


def test_box_below_the_threshold_is_not_predicted_into_sight_either():
    results = play(SceneWatcher(), [[person(100)]] * 4 + [[person(100, 0.3)], None])
    assert results[-1].detections == ()


def test_boxes_between_the_frames_that_the_network_sees_are_predicted():
    frames = [[person(100 + 5 * n)] if n % 2 == 0 else None for n in range(20)]
    results = play(SceneWatcher(), frames)
    (found,) = results[-1].detections
    assert found.visit_id == 1
    assert found.x_min == pytest.approx(195, abs=2)


def test_scene_that_stands_still_keeps_its_visits_however_long():
    watcher = SceneWatcher()
    last = play(watcher, [[person(100)]] * 5)[-1]
    kept = Result(0, last.detections, last.timings, kept=True)
    for second in range(1, 60):
        still = watcher.update(kept, SIZE_WH, 0.4 + second, 1000.0 + second, still=True)
        assert still.scene.events == ()
        assert still.detections == last.detections


def test_camera_that_was_gone_for_a_minute_goes_on_with_what_stood_there():
    frames = [[person(100)]] * 10
    times = [*(n / RATE for n in range(5)), *(60 + n / RATE for n in range(5))]
    results = play(SceneWatcher(), frames, times)
    assert kinds(results) == ["visit-began"]
    (visit,) = results[-1].scene.visits
    assert (visit.began_s, visit.seen_s) == (1000.0, 1060.4)


def test_zones_lines_and_rules_are_told_of():
    left = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    plan, _ = read_plan(
        {
            "zone": [{"name": "left", "points": left}],
            "line": [{"name": "middle", "start": [0.5, 1], "end": [0.5, 0]}],
            "rule": [{"name": "alone", "when": "left: occupied"}],
        }
    )
    frames = [[person(100 + 8 * n)] for n in range(20)] + [[person(252)]] * 40
    results = play(SceneWatcher(plan), frames)
    assert kinds(results) == [
        "visit-began", "zone-entered", "rule-began", "line-in", "zone-left", "rule-ended",
    ]  # fmt: skip
    scene = results[-1].scene
    assert (scene.zones[0].entered, scene.zones[0].left, scene.lines[0].ins) == (1, 1, 1)
    assert results[10].scene.rules == ("alone",)
    assert scene.rules == ()


def test_foot_is_the_bottom_centre_and_within_the_picture():
    assert foot_of((100, 50, 200, 150), SIZE_WH) == (0.375, 0.75)
    assert foot_of((390, 50, 450, 250), SIZE_WH) == (1.0, 1.0)


def test_places_that_stay_as_they_were_go_on_counting_when_others_are_drawn():
    tables = {"zone": [{"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}]}
    watcher = SceneWatcher(read_plan(tables)[0])
    play(watcher, [[person(100)]] * 4)
    tables["zone"].append({"name": "right", "points": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]})
    watcher.take_plan(read_plan(tables)[0])
    scene = play(watcher, [[person(100)]], times=[0.4])[-1].scene
    assert [(zone.name, zone.entered) for zone in scene.zones] == [("all", 1), ("right", 0)]
    assert scene.events == ()


@pytest.mark.parametrize("step_s", [3 * 3600.0, -3 * 3600.0, 4e8])
def test_visit_lasts_as_long_as_it_did_though_the_clock_is_set_meanwhile(step_s):
    """As on a Pi without a clock of its own, which gets the time from the network later."""
    watcher = SceneWatcher(visits=VisitOptions(absent_s=2.0))
    events = []
    for number in range(90):
        at_s = number / RATE
        found = [person(100)] if at_s < 6.0 else []
        set_by_s = step_s if at_s >= 4.0 else 0.0
        seen = watcher.update(result(*found), SIZE_WH, at_s, 1e9 + set_by_s + at_s)
        events += seen.scene.events
    began, ended = (event.visit for event in events)
    assert [event.kind for event in events] == ["visit-began", "visit-ended"]
    assert began.began_s == pytest.approx(1e9, abs=0.3)
    assert ended.began_s == pytest.approx(began.began_s + step_s)
    assert ended.seen_s - ended.began_s == pytest.approx(5.9, abs=0.3)


def test_clock_that_is_slewed_moves_no_visit():
    watcher = SceneWatcher()
    for number in range(100):
        at_s = number / RATE
        seen = watcher.update(result(person(100)), SIZE_WH, at_s, 1e9 + at_s * 1.0005)
    (visit,) = seen.scene.visits
    assert visit.began_s == pytest.approx(1e9, abs=0.3)
    assert visit.seen_s == pytest.approx(1e9 + 9.9 * 1.0005)
