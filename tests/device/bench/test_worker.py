from __future__ import annotations

import threading

import numpy as np
import pytest

from device.bench.job import Tick, WorkerJob
from device.bench.worker import STAGES, _Recorder, _Stretches, measure_frames, measure_invokes, work
from device.bundle.bundle import Bundle
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from tests.device.conftest import make_outcome


def job(bundle, **changed) -> WorkerJob:
    fields = {
        "bundle": str(bundle), "variant": "int8", "interpreter": "litert", "threads": 1,
        "warmups": 2, "min_count": 6, "min_time_s": 0.01,
    }  # fmt: skip
    return WorkerJob(**(fields | changed))


def test_invokes_are_timed_one_by_one_after_the_warm_ups(small_bundle):
    found = measure_invokes(job(small_bundle))
    assert len(found.invoke_ms) >= 6
    assert sum(found.invoke_ms) >= 10
    assert min(found.invoke_ms) > 0.1  # a network, not an empty call
    assert min(found.load_ms, found.first_invoke_ms) > 0
    assert found.timing_cost_ms < min(found.invoke_ms) / 100
    assert found.cpu_percent > 0
    memory = found.memory
    assert memory.resident_mb > 50
    assert memory.peak_mb >= memory.resident_mb * 0.99
    assert memory.proportional_mb <= memory.resident_mb * 1.01


def test_bundle_without_pictures_is_measured_on_noise(bundle_copy):
    bundle_copy.change(lambda manifest: manifest.update(samples=[]))
    assert len(measure_invokes(job(bundle_copy.folder)).invoke_ms) >= 6


def test_input_that_was_timed_is_kept_where_asked(small_bundle, tmp_path):
    kept = tmp_path / "input.npy"
    measure_invokes(job(small_bundle, keep_input=str(kept)))
    bundle = Bundle(small_bundle)
    (sample, *_) = bundle.manifest.samples
    with Engine(bundle, "int8", interpreter="litert") as engine:
        engine.prepare(Frame(read_image(bundle.file(sample.file)), 0, 0.0))
        np.testing.assert_array_equal(np.load(kept), engine.interpreter.input_tensor())


def test_source_that_ends_begins_again_until_there_are_enough_frames(small_bundle):
    four_images = small_bundle / "samples"
    found = measure_frames(job(small_bundle, source=str(four_images), min_count=9))
    assert len(found.frame_ms) >= 9
    assert set(found.stages_ms) == set(STAGES)
    for times_ms in (found.age_ms, *found.stages_ms.values()):
        assert len(times_ms) == len(found.frame_ms)
    assert min(found.stages_ms["invoke"]) > 0.1
    assert found.dropped == 0


def record(warmups: int, min_count: int, min_time_s: float) -> tuple[_Recorder, int]:
    """What is kept of frames that come a second apart, and how many came."""
    settings = {"warmups": warmups, "min_count": min_count, "min_time_s": min_time_s}
    stop = threading.Event()
    recorder = _Recorder(job("any", **settings), stop)
    came = 0
    while not stop.is_set():
        recorder.write(make_outcome(came))
        came += 1
    for late in range(3):  # on their way when the run was stopped
        recorder.write(make_outcome(came + late))
    return recorder, came


def test_first_frames_are_not_counted_nor_those_after_the_last():
    recorder, came = record(warmups=3, min_count=4, min_time_s=0.5)
    assert came == 3 + 4
    assert recorder.frame_ms == pytest.approx([1000.0] * 4)
    assert recorder.age_ms == pytest.approx([10.5] * 4)
    assert recorder.stages_ms["invoke"] == [3.75] * 4


def test_frames_go_on_until_the_least_time_is_reached():
    recorder, _ = record(warmups=1, min_count=1, min_time_s=6.5)
    assert len(recorder.frame_ms) == 7


def test_one_frame_is_needed_to_time_the_next():
    recorder, came = record(warmups=0, min_count=2, min_time_s=0.1)
    assert (came, len(recorder.frame_ms)) == (3, 2)


def test_sustained_run_is_told_in_stretches_until_its_end():
    told: list[Tick] = []
    stop = threading.Event()
    stretches = _Stretches(job("any", sustain_s=10.0), stop, told.append)
    started_s = now_s = stretches._last_s
    # Eight a second for five seconds, then four: eighths add up without rounding.
    while not stop.is_set():
        now_s += 0.125 if now_s - started_s < 5 else 0.25
        assert now_s - started_s < 15, "it was never told to stop"
        stretches.note(now_s)
    stretches.note(now_s + 99)  # a frame that was on its way
    assert [tick.fps for tick in told] == pytest.approx([8.0, 4.0], rel=0.03)
    assert [tick.median_ms for tick in told] == pytest.approx([125.0, 250.0])
    assert told[-1].elapsed_s == pytest.approx(10.0, abs=0.26)


@pytest.mark.parametrize("source", [None, "demo"])
def test_short_sustained_run_has_one_stretch(small_bundle, source):
    told: list[Tick] = []
    work(job(small_bundle, source=source, sustain_s=0.1), told.append)
    assert len(told) == 1
    assert told[0].fps > 0
