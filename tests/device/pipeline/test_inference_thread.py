from __future__ import annotations

import contextlib
import itertools
import threading

import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.cameras.base import Camera
from device.cameras.iterable import IterableCamera
from device.errors import InterpreterError
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.inference_stage import InferenceStage
from device.pipeline.inference_thread import InferenceThread
from device.pipeline.pipeline import Pipeline
from device.records import Frame
from tests.helpers.children import PATIENCE_S, wait_until

FRAME = Frame(np.zeros((2, 2, 3), np.uint8), 0, 0.0)


class Desk:
    """A network whose clock stands until it is set, and which is done when it is told to be."""

    def __init__(self):
        self.now_s = 0.0
        self.seen = []  # names of stages, in the order in which the network saw their frames
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.thread = InferenceThread(lambda: self.now_s)
        self.stages = []

    def stage(self, name, **options):
        """A stage, which counts as ``name`` when the network sees a frame of it."""
        desk = self

        class Named:
            def prepare(self, frame, into):
                pass

            def new_input(self):
                pass

            def invoke(self, tensor):
                desk.seen.append(name)
                desk.begun.release()
                assert desk.go_on.acquire(timeout=PATIENCE_S)
                return [f"{name} {desk.seen.count(name)}"]

        stage = InferenceStage(Named(), live=False, **options)
        self.stages.append(stage)
        self.thread.add(stage)
        return stage

    def finish(self, frames):
        """Let the network see ``frames`` more; what it begins after them is not waited for."""
        for _ in range(frames):
            self.go_on.release()
        for _ in range(frames):
            assert self.begun.acquire(timeout=PATIENCE_S)

    def begin(self, stage, now_s):
        """Have the network begin a frame of ``stage`` and hold it there."""
        self.now_s = now_s
        stage.put(FRAME)
        assert self.begun.acquire(timeout=PATIENCE_S)

    def close(self):
        for stage in self.stages:
            stage.close()
        self.go_on.release(100)
        self.thread.close()


@pytest.fixture
def desk():
    with contextlib.closing(Desk()) as desk:
        yield desk


def test_who_waits_longest_comes_next(desk):
    late, early, busy = (desk.stage(name) for name in ("late", "early", "busy"))
    for now_s, stage in ((1, early), (2, late)):
        desk.begin(stage, now_s)
        desk.go_on.release()
        assert stage.inferred.get(PATIENCE_S)
    desk.begin(busy, 3)
    for stage in (late, early, busy):
        stage.put(FRAME)
    desk.now_s = 4
    desk.finish(3)
    assert desk.seen == ["early", "late", "busy", "early", "late", "busy"]


def test_priority_weighs_a_wait(desk):
    plain, urgent = desk.stage("plain"), desk.stage("urgent", priority=3)
    desk.begin(plain, 0)
    desk.go_on.release()
    assert plain.inferred.get(PATIENCE_S)
    desk.begin(urgent, 1)
    plain.put(FRAME)
    urgent.put(FRAME)
    desk.now_s = 1.4  # 0.4 s, which count as 1.2, against 1.4
    desk.finish(1)
    assert desk.seen[2:] == ["plain"]
    plain.put(FRAME)
    desk.now_s = 2  # plain has waited for 0.6 s, and urgent for 1 s, which counts as 3
    desk.finish(1)
    assert desk.seen[3:] == ["urgent"]


def test_camera_of_high_priority_may_have_two_turns_in_a_row(desk):
    plain, urgent = desk.stage("plain"), desk.stage("urgent", priority=10)
    desk.begin(plain, 0)
    desk.go_on.release()
    assert plain.inferred.get(PATIENCE_S)
    desk.begin(urgent, 1)
    plain.put(FRAME)
    urgent.put(FRAME)
    desk.now_s = 2  # 1 s times 10 against 2 s
    desk.finish(1)
    assert desk.seen == ["plain", "urgent", "urgent"]


def test_camera_whose_results_nobody_takes_is_passed_over_until_somebody_does(desk):
    full, other = desk.stage("full", priority=1000), desk.stage("other")
    desk.begin(full, 0)
    full.put(FRAME)
    desk.finish(1)
    full.put(FRAME)  # for which there is no room: two wait to be taken
    other.put(FRAME)
    desk.now_s = 9
    desk.finish(1)
    assert desk.seen == ["full", "full", "other"]
    assert full.inferred.get(PATIENCE_S).outputs == ["full 1"]
    desk.finish(1)
    assert desk.seen == ["full", "full", "other", "full"]


def test_network_that_fails_on_a_frame_ends_that_camera_alone(desk):
    broken, other = desk.stage("broken"), desk.stage("other")

    def fail(_):
        raise InterpreterError("cannot run")

    broken.engine.invoke = fail
    broken.put(FRAME)
    with pytest.raises(InterpreterError, match="cannot run"):
        broken.inferred.get(PATIENCE_S)
    assert broken.left.wait(PATIENCE_S)
    other.put(FRAME)
    desk.go_on.release()
    assert other.inferred.get(PATIENCE_S).outputs == ["other 1"]


def test_closed_network_ends_once_its_last_camera_has():
    desk = Desk()
    stage = desk.stage("last")
    desk.begin(stage, 0)
    stage.close()
    assert not stage.left.is_set()
    desk.go_on.release()
    assert stage.left.wait(PATIENCE_S)
    desk.thread.close()
    wait_until(lambda: not desk.thread._thread.is_alive())


class Keep(Sink):
    def __init__(self):
        self.found = []

    def write(self, outcome):
        self.found.append([item.label for item in outcome.result.detections])

    def close(self):
        pass


@pytest.fixture
def inference():
    with InferenceThread() as inference:
        yield inference


@pytest.fixture
def engine(small_bundle):
    return Engine(Bundle(small_bundle), threads=1)


def start(pipeline, limit=None, stop=None):
    """Run ``pipeline`` in a thread of its own."""
    thread = threading.Thread(
        target=pipeline.run, args=(limit, stop or threading.Event()), daemon=True
    )
    thread.start()
    return thread


def test_camera_is_handed_its_frame_when_the_next_ones_is_fitted_or_when_none_waits(desk):
    one, other = desk.stage("one"), desk.stage("other")
    waited = []
    other.engine.prepare = lambda *_: waited.append(one.inferred.get_waits)
    desk.begin(one, 0)
    other.put(FRAME)
    desk.now_s = 1
    desk.finish(1)  # the other's frame is fitted by now
    assert waited == [True, True], "when it came, and when the network was ready for it"
    assert one.inferred.get(0).outputs == ["one 1"]
    assert other.inferred.get_waits
    desk.go_on.release()
    assert other.inferred.get(PATIENCE_S).outputs == ["other 1"]


def test_two_cameras_share_an_interpreter_and_each_finds_its_own(inference, engine, cat, noise):
    sinks = Keep(), Keep()
    other = engine.share()
    other.only(["person"])
    assert other.interpreter is engine.interpreter
    threads = [
        start(Pipeline(camera, engine, [sink], inference=inference, priority=priority), 5)
        for camera, engine, sink, priority in (
            (IterableCamera([cat] * 5), engine, sinks[0], 1),
            (IterableCamera([cat, noise] * 3), other, sinks[1], 2),
        )
    ]
    for thread in threads:
        thread.join()
    assert sinks[0].found == [["cat"]] * 5
    assert sinks[1].found == [[]] * 5


def test_one_thread_invokes_for_all(inference, engine, noise, monkeypatch):
    names = set()
    invoke = Engine.invoke

    def noted(self, prepared=None):
        names.add(threading.current_thread().name)
        return invoke(self, prepared)

    monkeypatch.setattr(Engine, "invoke", noted)
    for item in (engine, engine.share()):
        Pipeline(IterableCamera([noise] * 2), item, [], inference=inference).run(
            None, threading.Event()
        )
    assert names == {"network"}
    assert inference._thread.is_alive()


def test_camera_that_is_gone_takes_no_turn(inference, engine, noise):
    asked, back = threading.Event(), threading.Event()

    class Gone(Camera):
        live = True

        def _read(self):
            asked.set()
            back.wait()

    gone = start(Pipeline(Gone(), engine, [], inference=inference, priority=1000))
    asked.wait()
    keep = Keep()
    other = Pipeline(IterableCamera([noise] * 20), engine.share(), [keep], inference=inference)
    other.run(None, threading.Event())
    assert len(keep.found) == 20
    back.set()
    gone.join()


def test_live_camera_gives_its_newest_frame_when_its_turn_comes(desk, engine, cat, noise):
    captured = threading.Event()

    class Live(IterableCamera):
        live = True

    def frames():
        yield from (cat, cat, noise)
        captured.set()

    desk.begin(desk.stage("busy"), 0)
    keep = Keep()
    pipeline = Pipeline(Live(frames()), engine, [keep], inference=desk.thread)
    thread = start(pipeline)
    captured.wait()
    desk.go_on.release()
    thread.join()
    assert keep.found == [[]]
    assert pipeline.dropped == 2


def test_camera_whose_output_hangs_leaves_the_network_to_the_other(inference, engine, noise):
    hangs, goes_on = threading.Event(), threading.Event()

    class Hang(Keep):
        def write(self, outcome):
            hangs.set()
            goes_on.wait()

    frames = itertools.repeat(noise)
    stuck = Pipeline(IterableCamera(frames), engine, [Hang()], inference=inference, priority=1000)
    thread = start(stuck, 5)
    hangs.wait()
    keep = Keep()
    other = Pipeline(IterableCamera([noise] * 20), engine.share(), [keep], inference=inference)
    other.run(None, threading.Event())
    assert len(keep.found) == 20
    goes_on.set()
    thread.join()


def test_network_that_hangs_is_left_behind_when_the_run_is_to_end(monkeypatch, desk, noise):
    monkeypatch.setattr("device.pipeline.pipeline.DRAIN_S", 0.05)
    monkeypatch.setattr("device.pipeline.pipeline.JOIN_S", 0.05)
    hanging = desk.stage("hanging").engine
    stop = threading.Event()
    pipeline = Pipeline(IterableCamera([noise]), hanging, [], inference=desk.thread)
    thread = start(pipeline, None, stop)
    assert desk.begun.acquire(timeout=PATIENCE_S)
    stop.set()
    thread.join(PATIENCE_S)
    assert "network" in pipeline.stuck
