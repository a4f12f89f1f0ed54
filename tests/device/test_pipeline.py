from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from device.camera import FakeCamera, read_picture
from device.errors import SinkError, SourceError
from device.pipeline import STAGES, Pipeline
from device.sinks import Sink


class Keep(Sink):
    """Keeps every outcome in memory."""

    def __init__(self, wants_picture: bool = False) -> None:
        self.wants_picture = wants_picture
        self.outcomes = []
        self.closed = 0

    def write(self, outcome) -> None:
        self.outcomes.append(outcome)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(scope="module")
def cat(small_bundle):
    return read_picture(small_bundle / "samples" / "cat.jpg")


def run(camera, engine, *sinks, limit=None, stop=None, **options) -> Pipeline:
    pipeline = Pipeline(camera, engine, sinks)
    pipeline.run(limit, stop or threading.Event(), **options)
    return pipeline


def test_every_sink_gets_every_outcome_in_order(engine, cat, noise):
    first, second = Keep(), Keep()
    run(FakeCamera([cat, noise, cat]), engine, first, second)
    assert first.outcomes == second.outcomes
    assert [outcome.frame.index for outcome in first.outcomes] == [0, 1, 2]
    assert [outcome.result.frame_index for outcome in first.outcomes] == [0, 1, 2]
    seen = [[d.label for d in outcome.result.detections] for outcome in first.outcomes]
    assert seen[0] == seen[2] == ["cat"]


def test_limit_ends_an_endless_camera(engine, noise):
    keep = Keep()
    pipeline = run(FakeCamera(itertools.repeat(noise)), engine, keep, limit=4)
    assert len(keep.outcomes) == pipeline.rate.stamps == 4


def test_stop_ends_after_the_frame_in_hand(engine, noise):
    stop = threading.Event()

    def after(pipeline):
        if pipeline.rate.stamps == 3:
            stop.set()

    pipeline = run(FakeCamera(itertools.repeat(noise)), engine, stop=stop, progress=after)
    assert pipeline.rate.stamps == 3


def test_picture_is_drawn_on_a_copy_where_a_sink_wants_it(engine, cat):
    before, keep = cat.copy(), Keep(wants_picture=True)
    run(FakeCamera([cat]), engine, keep)
    (outcome,) = keep.outcomes
    assert np.array_equal(cat, before)
    assert outcome.frame.pixels is cat
    assert (outcome.picture != cat).any()
    x_min, y_min, *_ = outcome.result.detections[0].box
    assert (
        outcome.picture[round(y_min) + 60, round(x_min)] != cat[round(y_min) + 60, round(x_min)]
    ).any()


def test_nothing_is_drawn_where_no_sink_wants_it(engine, cat):
    keep = Keep()
    run(FakeCamera([cat]), engine, keep)
    assert keep.outcomes[0].picture is None


def test_measurements_of_an_outcome_make_sense(engine, noise):
    keep = Keep()
    run(FakeCamera([noise] * 5), engine, keep)
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


def test_sink_that_fails_ends_the_run_and_the_summary_still_counts(engine, noise):
    class Full(Keep):
        def write(self, outcome):
            if outcome.frame.index == 2:
                raise SinkError("full")
            super().write(outcome)

    full = Full()
    pipeline = Pipeline(FakeCamera(itertools.repeat(noise)), engine, [full])
    with pytest.raises(SinkError, match="full"):
        pipeline.run(None, threading.Event())
    assert len(full.outcomes) == 2
    assert pipeline.summary().startswith("3 frames")


def test_camera_that_dies_ends_the_run(engine, noise):
    def dying():
        yield noise
        raise SourceError("unplugged")

    keep = Keep()
    with pytest.raises(SourceError, match="unplugged"):
        run(FakeCamera(dying()), engine, keep)
    assert len(keep.outcomes) == 1


def test_summary_says_what_was_seen_and_what_it_cost(engine, cat, noise):
    summary = run(FakeCamera([cat, noise, cat]), engine).summary()
    lines = summary.splitlines()
    assert lines[0].startswith("3 frames, ")
    assert " FPS; peak memory " in lines[0]
    assert [line.split()[0] for line in lines[2:-1]] == list(STAGES)
    for line in lines[2:-1]:
        median, p99 = map(float, line.split()[1:])
        assert 0 <= median <= p99
    assert lines[-1] == "seen: cat on 2"


def test_object_seen_twice_on_a_frame_counts_once(engine, cat):
    twice = np.concatenate((cat, cat), axis=1)
    keep = Keep()
    pipeline = run(FakeCamera([twice]), engine, keep)
    labels = [item.label for item in keep.outcomes[0].result.detections]
    assert labels.count("cat") == 2
    assert pipeline.frames_with["cat"] == 1


def test_summary_of_nothing_seen_and_of_no_frames(engine, noise):
    blank = np.full_like(noise, 128)
    assert run(FakeCamera([blank]), engine).summary().endswith("seen: nothing above the threshold")
    assert run(FakeCamera([]), engine).summary() == "no frames"
