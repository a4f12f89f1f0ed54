from __future__ import annotations

import itertools
import threading

from device.bundle.bundle import Bundle
from device.cameras.base import Camera
from device.cameras.iterable import IterableCamera
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.pipeline import Pipeline
from device.pipeline.turns import Turns
from tests.helpers.children import PATIENCE_S, wait_until


class Clock:
    """A clock that stands until it is set."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


class Queue:
    """Threads that wait for a turn, and the order in which they got it."""

    def __init__(self, turns):
        self.turns = turns
        self.order = []
        self.threads = []

    def add(self, name, turn):
        def take():
            with turn:
                self.order.append(name)

        thread = threading.Thread(target=take, daemon=True)
        self.threads.append(thread)
        thread.start()
        wait_until(lambda: len(self.turns.waiting) == len(self.threads))

    def finish(self):
        for thread in self.threads:
            thread.join(PATIENCE_S)
        return self.order


def test_who_waits_longest_comes_next():
    clock = Clock()
    turns = Turns(clock)
    busy, late, early = (turns.join() for _ in range(3))
    for now_s, turn in ((1, early), (2, late), (3, busy)):
        clock.now_s = now_s
        turn.__enter__()
        if turn is not busy:
            turn.__exit__(None, None, None)
    queue = Queue(turns)
    queue.add("late", late)
    queue.add("early", early)
    clock.now_s = 4
    busy.__exit__(None, None, None)
    assert queue.finish() == ["early", "late"]
    assert turns.holder is None


def test_priority_weighs_a_wait():
    clock = Clock()
    turns = Turns(clock)
    busy, plain, urgent = turns.join(), turns.join(1), turns.join(3)
    plain.__enter__()
    plain.__exit__(None, None, None)
    clock.now_s = 1
    urgent.__enter__()
    urgent.__exit__(None, None, None)
    clock.now_s = 2
    busy.__enter__()
    queue = Queue(turns)
    queue.add("plain", plain)  # waits for 2 s
    queue.add("urgent", urgent)  # for 1 s, which counts as 3
    busy.__exit__(None, None, None)
    assert queue.finish() == ["urgent", "plain"]


def test_turn_of_high_priority_is_kept_until_it_is_passed_on():
    clock = Clock()
    turns = Turns(clock)
    urgent, plain = turns.join(10), turns.join(1)
    clock.now_s = 1
    urgent.__enter__()
    queue = Queue(turns)
    queue.add("plain", plain)
    clock.now_s = 2
    urgent.__exit__(None, None, None)  # 1 s times 10 against 2 s
    assert turns.holder is urgent
    assert queue.order == []
    urgent.__enter__()  # at once, for the next frame
    clock.now_s = 2.5
    urgent.__exit__(None, None, None)  # half a second times 10 against 2.5
    assert queue.order == []
    urgent.pass_on()
    assert queue.finish() == ["plain"]


def test_who_does_not_wait_is_passed_over_and_turns_of_one_priority_are_never_kept():
    turns = Turns(Clock())
    alone, _absent = turns.join(), turns.join(100)
    for _ in range(3):
        with alone:
            assert turns.holder is alone
        assert turns.holder is None
    alone.pass_on()
    assert turns.holder is None


class Keep(Sink):
    def __init__(self):
        self.found = []

    def write(self, outcome):
        self.found.append([item.label for item in outcome.result.detections])

    def close(self):
        pass


def run_together(*pipelines):
    threads = [
        threading.Thread(target=pipeline.run, args=(5, threading.Event()), daemon=True)
        for pipeline in pipelines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_cameras_share_an_interpreter_and_each_finds_its_own(small_bundle, cat, noise):
    turns, sinks = Turns(), (Keep(), Keep())
    engine = Engine(Bundle(small_bundle), threads=1)
    other = engine.share()
    other.only(["person"])
    assert other.interpreter is engine.interpreter
    run_together(
        Pipeline(IterableCamera([cat] * 5), engine, [sinks[0]], turn=turns.join()),
        Pipeline(IterableCamera([cat, noise] * 3), other, [sinks[1]], turn=turns.join(2)),
    )
    assert sinks[0].found == [["cat"]] * 5
    assert sinks[1].found == [[]] * 5
    assert turns.holder is None


def test_camera_that_is_gone_takes_no_turn(small_bundle, noise):
    asked, back = threading.Event(), threading.Event()

    class Gone(Camera):
        live = True

        def _read(self):
            asked.set()
            back.wait()

    turns, keep, engine = Turns(), Keep(), Engine(Bundle(small_bundle), threads=1)
    gone = Pipeline(Gone(), engine, [], turn=turns.join(1000))
    thread = threading.Thread(target=gone.run, args=(None, threading.Event()), daemon=True)
    thread.start()
    asked.wait()
    other = Pipeline(IterableCamera([noise] * 20), engine.share(), [keep], turn=turns.join())
    other.run(None, threading.Event())
    assert len(keep.found) == 20
    back.set()
    thread.join()


def test_live_camera_gives_its_newest_frame_once_it_has_the_turn(small_bundle, cat, noise):
    captured = threading.Event()

    class Live(IterableCamera):
        live = True

    def frames():
        yield cat
        wait_until(lambda: len(turns.waiting) == 1)  # with the first
        yield from (noise, noise)
        captured.set()

    turns, keep, engine = Turns(), Keep(), Engine(Bundle(small_bundle), threads=1)
    pipeline = Pipeline(Live(frames()), engine, [keep], turn=turns.join())
    thread = threading.Thread(target=pipeline.run, args=(None, threading.Event()), daemon=True)
    with turns.join():
        thread.start()
        captured.wait()
    thread.join()
    assert keep.found == [[]]
    assert pipeline.dropped == 2


def test_camera_whose_output_hangs_leaves_the_network_to_the_other(small_bundle, noise):
    hangs, goes_on = threading.Event(), threading.Event()

    class Hang(Keep):
        def write(self, outcome):
            hangs.set()
            goes_on.wait()

    turns = Turns()
    engine = Engine(Bundle(small_bundle), threads=1)
    stuck = Pipeline(
        IterableCamera(itertools.repeat(noise)), engine, [Hang()], turn=turns.join(1000)
    )
    thread = threading.Thread(target=stuck.run, args=(5, threading.Event()), daemon=True)
    thread.start()
    hangs.wait()
    keep = Keep()
    other = Pipeline(IterableCamera([noise] * 20), engine.share(), [keep], turn=turns.join())
    other.run(None, threading.Event())
    assert len(keep.found) == 20
    goes_on.set()
    thread.join()
