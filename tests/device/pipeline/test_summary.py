from __future__ import annotations

import threading

import numpy as np

from device.cameras.iterable import IterableCamera
from device.pipeline.pipeline import STAGES, Pipeline
from device.pipeline.summary import summary_of


def summary(camera, engine) -> str:
    pipeline = Pipeline(camera, engine, [])
    pipeline.run(None, threading.Event())
    return summary_of(pipeline)


def test_summary_says_what_was_seen_and_what_it_cost(engine, cat, noise):
    lines = summary(IterableCamera([cat, noise, cat]), engine).splitlines()
    assert lines[0].startswith("3 frames, ")
    assert " FPS; peak memory " in lines[0]
    assert [line.split()[0] for line in lines[2:-1]] == list(STAGES)
    for line in lines[2:-1]:
        median, p99 = map(float, line.split()[1:])
        assert 0 <= median <= p99
    assert lines[-1] == "seen: cat on 2"


def test_summary_of_one_frame_tells_no_rate_and_no_quantiles(engine, cat):
    first, *rest = summary(IterableCamera([cat]), engine).splitlines()
    assert first.startswith("1 frame; peak memory ")
    assert [part.split()[0] for part in first.split("ms: ")[1].split(", ")] == list(STAGES)
    assert "FPS" not in first
    assert rest == ["seen: cat on 1"]


def test_summary_of_nothing_seen_and_of_no_frames(engine, noise):
    blank = np.full_like(noise, 128)
    said = summary(IterableCamera([blank]), engine)
    assert said.endswith("seen: nothing above the threshold")
    assert summary(IterableCamera([]), engine) == "no frames"
