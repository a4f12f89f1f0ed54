from __future__ import annotations

import threading

import numpy as np
import pytest

from device.cameras.iterable import IterableCamera
from device.outputs.pace import Pace
from device.pipeline.pipeline import Pipeline
from device.pipeline.watching import Watch
from device.records import Detection, Frame, Result, Timings
from device.visits.mask import PrivacyMask
from device.visits.plan import Mask
from device.visits.watcher import SceneWatcher
from tests.device.pipeline.test_pipeline import Keep

PIXELS = np.zeros((200, 400, 3), np.uint8)


def found(score: float) -> Result:
    return Result(0, (Detection(0, "person", score, 100, 100, 140, 180),), Timings(0, 0, 0, 0))


def test_time_of_a_camera_is_when_its_frame_was_captured():
    watch = Watch(
        SceneWatcher(), Pace(10.0, live=True), wall_s=lambda: 5000.0, monotonic_s=lambda: 80.0
    )
    result = watch.update(found(0.9), Frame(PIXELS, 0, captured_at_s=79.5), 0.5)
    assert result.scene.time_s == 4999.5


def test_file_is_taken_as_if_played_from_now_on():
    clock = iter([5000.0, 9000.0])
    watch = Watch(SceneWatcher(), Pace(10.0), wall_s=lambda: next(clock))
    times = [watch.update(found(0.9), Frame(PIXELS, n, 0.0), 0.5).scene.time_s for n in (0, 25)]
    assert times == [5000.0, 5002.5]


@pytest.mark.parametrize(("threshold", "visits"), [(0.5, 0), (0.3, 1)])
def test_threshold_in_force_decides_what_begins_a_visit(threshold, visits):
    watch = Watch(SceneWatcher(), Pace(10.0))
    for number in range(5):
        result = watch.update(found(0.6), Frame(PIXELS, number, 0.0), threshold)
    assert len(result.scene.visits) == visits
    assert watch.unsure_from == pytest.approx(threshold / 5)


def test_pipeline_follows_objects_and_predicts_those_between(engine, cat):
    keep = Keep()
    watch = Watch(SceneWatcher(), Pace(10.0))
    Pipeline(IterableCamera([cat] * 9), engine, [keep], every=2, watch=watch).run(
        None, threading.Event()
    )
    ids = [[item.visit_id for item in outcome.result.detections] for outcome in keep.outcomes]
    assert ids[:5] == [[None], [], [None], [], [1]]
    assert ids[5:] == [[1]] * 4
    assert [outcome.result.kept for outcome in keep.outcomes] == [False, True] * 4 + [False]


def test_pipeline_blackens_before_network_and_outputs(engine, cat):
    whole = Mask(points=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    keep = Keep(wants_image=True)
    pipeline = Pipeline(IterableCamera([cat]), engine, [keep], mask=PrivacyMask([whole]))
    pipeline.run(None, threading.Event())
    (outcome,) = keep.outcomes
    assert not outcome.frame.pixels.any()
    assert outcome.result.detections == ()
    assert cat.any()


@pytest.mark.parametrize("step_s", [7200.0, -7200.0])
def test_visit_on_a_camera_is_as_long_as_frames_say_though_the_clock_is_set(step_s):
    now = {"monotonic": 100.0, "wall": 5e8}
    watch = Watch(
        SceneWatcher(),
        Pace(10.0, live=True),
        wall_s=lambda: now["wall"],
        monotonic_s=lambda: now["monotonic"],
    )
    for number in range(50):
        now["monotonic"] += 0.1
        now["wall"] += 0.1 + (step_s if number == 30 else 0.0)
        frame = Frame(PIXELS, number, captured_at_s=now["monotonic"] - 0.02)
        seen = watch.update(found(0.9), frame, 0.5)
    (visit,) = seen.scene.visits
    assert visit.seen_s - visit.began_s == pytest.approx(4.9, abs=0.01)
    assert visit.seen_s == pytest.approx(now["wall"] - 0.02)
