from __future__ import annotations

import itertools
import os
import threading
import weakref

import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.errors import SinkError, SourceError
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.motion import MotionDetector
from device.pipeline.pipeline import Pipeline
from device.records import Detection
from tests.helpers.children import wait_until


class Keep(Sink):
    """Keeps every outcome in memory."""

    def __init__(self, wants_image: bool = False) -> None:
        self._wants_image = wants_image
        self.outcomes = []
        self.closed = 0

    def needs_image(self, frame) -> bool:
        return self._wants_image

    def write(self, outcome) -> None:
        self.outcomes.append(outcome)

    def close(self) -> None:
        self.closed += 1


def run(camera, engine, *sinks, limit=None, stop=None, **options) -> Pipeline:
    pipeline = Pipeline(camera, engine, sinks)
    pipeline.run(limit, stop or threading.Event(), **options)
    return pipeline


def test_every_sink_gets_every_outcome_in_order(engine, cat, noise):
    first, second = Keep(), Keep()
    run(IterableCamera([cat, noise, cat]), engine, first, second)
    assert first.outcomes == second.outcomes
    assert [outcome.frame.index for outcome in first.outcomes] == [0, 1, 2]
    assert [outcome.result.frame_index for outcome in first.outcomes] == [0, 1, 2]
    seen = [[d.label for d in outcome.result.detections] for outcome in first.outcomes]
    assert seen[0] == seen[2] == ["cat"]


def test_limit_ends_an_endless_camera(engine, noise):
    keep = Keep()
    pipeline = run(IterableCamera(itertools.repeat(noise)), engine, keep, limit=4)
    assert len(keep.outcomes) == pipeline.rate.stamps == 4


def test_stop_ends_after_the_frames_in_hand(engine, noise):
    stop = threading.Event()

    def after(pipeline):
        if pipeline.rate.stamps == 3:
            stop.set()

    pipeline = run(IterableCamera(itertools.repeat(noise)), engine, stop=stop, progress=after)
    # One being captured, one that waits, one in the network, one that waits to be written.
    assert 3 <= pipeline.rate.stamps <= 3 + 4


def test_picture_is_drawn_on_a_copy_where_a_sink_wants_it(engine, cat):
    before, keep = cat.copy(), Keep(wants_image=True)
    run(IterableCamera([cat]), engine, keep)
    (outcome,) = keep.outcomes
    assert np.array_equal(cat, before)
    assert outcome.frame.pixels is cat
    assert (outcome.image != cat).any()
    x_min, y_min, *_ = outcome.result.detections[0].box
    assert (
        outcome.image[round(y_min) + 60, round(x_min)] != cat[round(y_min) + 60, round(x_min)]
    ).any()


def test_nothing_is_drawn_where_no_sink_wants_it(engine, cat):
    keep = Keep()
    run(IterableCamera([cat]), engine, keep)
    assert keep.outcomes[0].image is None


@pytest.mark.skipif(os.sched_getscheduler(0) != os.SCHED_OTHER, reason="set by hand")
def test_camera_and_outputs_do_not_interrupt_the_network(engine, noise, monkeypatch):
    policies = {}

    def note(who, value=None):
        policies[who] = os.sched_getscheduler(0)
        return value

    invoke = engine.invoke
    monkeypatch.setattr(engine, "invoke", lambda tensor: note("network", invoke(tensor)))
    camera = IterableCamera(note("camera", noise) for _ in range(3))
    run(camera, engine, Keep(), progress=lambda _: note("outputs"))
    batch, usual = os.SCHED_BATCH, os.SCHED_OTHER
    assert policies == {"camera": batch, "network": usual, "outputs": batch}
    assert os.sched_getscheduler(0) == usual


def test_measurements_of_an_outcome_make_sense(engine, noise):
    keep = Keep()
    run(IterableCamera([noise] * 5), engine, keep)
    assert keep.outcomes[0].fps == 0
    assert all(outcome.fps > 0 for outcome in keep.outcomes[1:])
    ends = [outcome.finished_at_s for outcome in keep.outcomes]
    assert ends == sorted(ends)
    for outcome in keep.outcomes:
        assert 0 <= outcome.frame_age_ms < 10_000
        assert outcome.frame_age_ms >= outcome.result.timings.invoke_ms
        assert outcome.rss_mb > 10
        assert outcome.cpu_percent >= 0
        assert outcome.draw_ms >= 0


def test_sink_that_fails_ends_the_run_and_its_frame_still_counts(engine, noise):
    class Full(Keep):
        def write(self, outcome):
            if outcome.frame.index == 2:
                raise SinkError("full")
            super().write(outcome)

    full = Full()
    pipeline = Pipeline(IterableCamera(itertools.repeat(noise)), engine, [full])
    with pytest.raises(SinkError, match="full"):
        pipeline.run(None, threading.Event())
    assert len(full.outcomes) == 2
    assert pipeline.rate.stamps == 3


def test_camera_that_dies_ends_the_run(engine, noise):
    def dying():
        yield noise
        raise SourceError("unplugged")

    keep = Keep()
    with pytest.raises(SourceError, match="unplugged"):
        run(IterableCamera(dying()), engine, keep)
    assert len(keep.outcomes) == 1


@pytest.mark.parametrize("unsure_from", [None, 0.05])
def test_results_have_what_is_unsure_only_where_it_is_asked_for(engine, cat, unsure_from):
    keep = Keep()
    pipeline = Pipeline(IterableCamera([cat]), engine, [keep], unsure_from=unsure_from)
    pipeline.run(None, threading.Event())
    (outcome,) = keep.outcomes
    assert bool(outcome.result.unsure) == (unsure_from is not None)
    assert all(item.score < engine.threshold for item in outcome.result.unsure)


def test_object_seen_twice_on_a_frame_counts_once(engine, cat):
    twice = np.concatenate((cat, cat), axis=1)
    keep = Keep()
    pipeline = run(IterableCamera([twice]), engine, keep)
    labels = [item.label for item in keep.outcomes[0].result.detections]
    assert labels.count("cat") == 2
    assert pipeline.frames_with["cat"] == 1


def test_objects_of_one_frame_are_counted_in_the_order_they_were_found_in(engine, cat, monkeypatch):
    found = [
        Detection(number, label, 0.9, 0, 0, 9, 9)
        for number, label in enumerate(("zone", "yarn", "cat", "door", "bird", "apple"))
    ]
    monkeypatch.setattr(engine, "find", lambda *_: (found, None))
    pipeline = run(IterableCamera([cat]), engine)
    assert list(pipeline.frames_with) == [item.label for item in found]


def moving(noise):
    """Every frame unlike the one before."""
    return [np.roll(noise, 8 * step, axis=1) for step in range(12)]


def test_every_third_frame_is_inferred_and_the_others_keep_its_detections(engine, cat, noise):
    keep = Keep()
    pipeline = Pipeline(
        IterableCamera([cat, noise, noise, noise, cat, cat]), engine, [keep], every=3
    )
    pipeline.run(None, threading.Event())
    assert [outcome.result.kept for outcome in keep.outcomes] == [False, True, True] * 2
    labels = [[d.label for d in outcome.result.detections] for outcome in keep.outcomes]
    assert labels == [["cat"]] * 3 + [[]] * 3
    assert [outcome.result.frame_index for outcome in keep.outcomes] == list(range(6))
    assert pipeline.spared == 4


def test_still_frames_are_spared_and_moving_ones_are_not(engine, noise):
    keep = Keep()
    frames = [noise, noise, noise, *moving(noise)[1:4]]
    Pipeline(IterableCamera(frames), engine, [keep], motion=MotionDetector()).run(
        None, threading.Event()
    )
    assert [outcome.result.kept for outcome in keep.outcomes] == [False, True, True] + [False] * 3


class Live(IterableCamera):
    live = True


def test_live_camera_drops_frames_that_a_newer_one_overtakes_and_counts_them(engine, noise):
    enough = threading.Event()
    taken = []

    def frames():
        for number in range(200):
            yield noise
            taken.append(number)
        enough.set()

    class Slow(Keep):
        def write(self, outcome):
            super().write(outcome)
            enough.wait(30)  # by then the camera has served all

    keep = Slow()
    pipeline = run(Live(frames()), engine, keep)
    indices = [outcome.frame.index for outcome in keep.outcomes]
    assert indices == sorted(set(indices))
    assert indices[-1] == 199, "the newest is always served"
    assert len(indices) < 10
    assert pipeline.dropped == 200 - len(indices)


def test_engine_can_be_replaced_while_frames_are_on_their_way(bundle_dir, engine, cat):
    other = Engine(Bundle(bundle_dir), "float32")
    keep = Keep()
    pipeline = Pipeline(IterableCamera([cat] * 12), engine, [keep])

    def swap(_):
        pipeline.engine = other

    pipeline.run(None, threading.Event(), swap)
    scores = [outcome.result.detections[0].score for outcome in keep.outcomes]
    assert len(scores) == 12
    assert scores[0] != scores[-1]
    assert len(list(itertools.groupby(scores))) == 2


def test_capture_error_is_raised_after_the_frames_before_it(engine, noise):
    def broken():
        yield noise
        yield noise
        raise SourceError("the cable fell out")

    keep = Keep()
    with pytest.raises(SourceError, match="cable"):
        run(IterableCamera(broken()), engine, keep)
    assert len(keep.outcomes) == 2


def test_no_thread_is_left_after_a_sink_failed(engine, noise):
    class Full(Keep):
        def write(self, outcome):
            raise SinkError("full")

    before = set(threading.enumerate())
    with pytest.raises(SinkError, match="full"):
        run(IterableCamera(itertools.repeat(noise)), engine, Full())
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_camera_that_hangs_is_left_behind_when_the_run_is_to_end(monkeypatch, engine, noise):
    monkeypatch.setattr("device.pipeline.pipeline.DRAIN_S", 0.05)
    monkeypatch.setattr("device.pipeline.pipeline.JOIN_S", 0.05)
    stop, enough = threading.Event(), threading.Event()

    def hanging():
        yield noise
        stop.set()
        enough.wait()

    keep = Keep()
    pipeline = run(IterableCamera(hanging()), engine, keep, stop=stop)
    assert "camera" in pipeline.stuck
    enough.set()
    wait_until(lambda: "camera" not in [thread.name for thread in threading.enumerate()])


def test_frame_is_let_go_before_the_next_is_waited_for(engine, noise, monkeypatch):
    made = []

    def frames():
        pixels = noise.copy()
        made.append(weakref.ref(pixels))
        yield pixels

    pipeline = Pipeline(IterableCamera(frames()), engine, [])
    next_job = pipeline._next

    def after_the_last(stop):
        if pipeline.rate.stamps:
            wait_until(lambda: made[0]() is None)
        return next_job(stop)

    monkeypatch.setattr(pipeline, "_next", after_the_last)
    pipeline.run(None, threading.Event())
    assert pipeline.rate.stamps == 1


def test_paused_network_sees_no_frame_and_keeps_no_finding(engine, cat):
    keep = Keep()
    pipeline = Pipeline(IterableCamera([cat] * 12), engine, [keep])

    class PauseAfter(Sink):
        def write(self, outcome):
            pipeline.paused = True

        def close(self):
            pass

    pipeline._sinks = [keep, PauseAfter()]
    pipeline.run(None, threading.Event())
    assert [item.label for item in keep.outcomes[0].result.detections] == ["cat"]
    last = keep.outcomes[-1].result
    assert last.kept
    assert last.detections == ()
