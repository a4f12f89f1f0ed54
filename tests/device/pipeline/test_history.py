from __future__ import annotations

from dataclasses import replace

import pytest

from device.pipeline import history as module
from device.pipeline.history import KEPT_SECONDS, STALE_AFTER_S, History, Second
from device.records import Frame, Outcome, Result, SceneState, Timings
from tests.device.conftest import make_outcome


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now_s = 100.0

        def monotonic(self):
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def outcome(captured_s, finished_s, invoke_ms, kept=False, fps=10.0):
    made = make_outcome()
    return Outcome(
        Frame(made.frame.pixels, 0, captured_s),
        Result(0, (), Timings(1.0, 2.0, invoke_ms, 4.0), kept=kept),
        None,
        0.5,
        finished_s,
        fps,
        95.0,
        50.0,
    )


def test_second_sums_up_what_came_in_it(clock):
    history = History()
    history.add(outcome(100.0, 100.010, 3.0))
    history.add(outcome(100.2, 100.230, 5.0))
    clock.now_s = 100.5
    assert history.end_second() == Second(4.0, 4.0, 5.0, 20.0, 30.0)
    assert list(history.seconds) == [Second(4.0, 4.0, 5.0, 20.0, 30.0)]


def test_scene_is_that_of_the_newest_frame(clock):
    history = History()
    assert history.scene is None
    one = outcome(100.0, 100.010, 3.0)
    scene = SceneState(time_s=7.0)
    history.add(replace(one, result=replace(one.result, scene=scene)))
    assert history.scene is scene


def test_second_without_a_frame_has_no_times(clock):
    history = History()
    history.add(outcome(100.0, 100.1, 3.0))
    clock.now_s = 101.0
    history.end_second()
    clock.now_s = 102.0
    assert history.end_second() == Second(0.0, None, None, None, None)


def test_frame_that_the_network_did_not_see_says_nothing_of_invoke(clock):
    history = History()
    history.add(outcome(100.0, 100.010, 8.0))
    history.add(outcome(100.0, 100.010, 0.0, kept=True))
    clock.now_s = 101.0
    assert history.end_second() == Second(2.0, 8.0, 8.0, 10.0, 10.0)


def test_sums_go_on_over_the_whole_run(clock):
    history = History()
    for _ in range(3):
        history.add(outcome(100.0, 100.010, 8.0))
        clock.now_s += 1
        history.end_second()
    assert history.frames == 3
    sums = {name: round(value, 6) for name, value in history.frame_ms.items()}
    assert sums == {
        "capture": 3.0, "preprocess": 6.0, "invoke": 24.0, "decode": 12.0, "draw": 1.5, "age": 30.0,
    }  # fmt: skip


def test_only_the_last_minutes_are_kept(clock):
    history = History()
    for _ in range(KEPT_SECONDS + 5):
        clock.now_s += 1
        history.end_second()
    assert len(history.seconds) == KEPT_SECONDS


def test_run_is_well_only_while_frames_flow(clock):
    history = History()
    clock.now_s = 104.0
    assert history.ailment() == "no frame yet, 4 s after the start"
    history.add(outcome(103.9, 104.0, 5.0))
    assert history.ailment() is None
    clock.now_s = 104.0 + STALE_AFTER_S + 0.2
    assert history.ailment() is None, "three times a tenth of a second may pass on top"
    clock.now_s = 104.0 + STALE_AFTER_S + 0.4
    assert history.ailment() == "no frame for 3 s"
    history.add(outcome(107.0, clock.now_s, 5.0))
    assert history.ailment() is None


def test_slow_network_is_not_taken_for_a_lost_camera(clock):
    history = History()
    history.add(outcome(100.0, 100.0, 2000.0, fps=0.5))
    clock.now_s = 108.0
    assert history.ailment() is None
    clock.now_s = 110.0
    assert history.ailment() == "no frame for 10 s"
