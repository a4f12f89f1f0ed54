from __future__ import annotations

import numpy as np
import pytest

from device.pipeline.inference_stage import InferenceStage
from device.records import Frame


def frame(index):
    return Frame(np.zeros((2, 2, 3), np.uint8), index, 0.0)


class Told:
    """An engine that tells what it is asked to do."""

    def __init__(self):
        self.told = []

    def new_input(self):
        return "a tensor of its own"

    def prepare(self, frame, into):
        self.told.append(("prepare", frame.index, into))
        return f"placement of {frame.index}"

    def invoke(self, prepared):
        self.told.append(("invoke", prepared))
        return ["output"]


def step(stage, now_s):
    stage.step(now_s, stage.hand_on)
    stage.hand_on()


@pytest.fixture
def engine():
    return Told()


def test_frame_of_a_file_is_fitted_into_a_tensor_before_the_network_is_ready_for_it(engine):
    stage = InferenceStage(engine, live=False)
    assert stage.put(frame(0))
    assert engine.told == [("prepare", 0, "a tensor of its own")]
    step(stage, 0)
    assert engine.told[1:] == [("invoke", "a tensor of its own")]
    job = stage.inferred.get()
    assert (job.placement, job.outputs) == ("placement of 0", ["output"])


def test_newest_frame_of_a_camera_is_fitted_into_the_network_when_that_is_ready(engine):
    stage = InferenceStage(engine, live=True)
    stage.put(frame(0))
    stage.put(frame(1))
    assert engine.told == []
    step(stage, 0)
    assert engine.told == [("prepare", 1, None), ("invoke", None)]
    assert stage.captured.dropped == 1


@pytest.mark.parametrize("live", [False, True])
def test_frame_that_the_network_need_not_see_goes_past_it_and_is_no_turn(engine, live):
    stage = InferenceStage(engine, live=live, every=2)
    for index, now_s in enumerate((1, 2)):
        stage.put(frame(index))
        step(stage, now_s)
    jobs = [stage.inferred.get(), stage.inferred.get()]
    assert [job.engine for job in jobs] == [engine, None]
    assert stage.score(3) == 2  # seconds since the first


def test_score_is_the_wait_times_the_priority(engine):
    stage = InferenceStage(engine, live=True, priority=1.5)
    assert stage.score(0) == float("inf")  # it never had a turn
    stage.put(frame(0))
    step(stage, 10)
    assert stage.score(14) == 6


def test_stage_is_ready_while_it_has_a_frame_and_room_for_what_is_found(engine):
    stage = InferenceStage(engine, live=False)
    assert not stage.is_ready
    for index in range(2):
        stage.put(frame(index))
        assert stage.is_ready
        step(stage, 0)
    stage.put(frame(2))
    assert not stage.is_ready
    stage.inferred.get()
    assert stage.is_ready


def test_last_frame_and_an_error_of_the_camera_go_through_to_the_end(engine):
    stage = InferenceStage(engine, live=False)
    stage.put(frame(0))
    stage.captured.close(ValueError("the cable fell out"))
    while not stage.has_ended:
        assert stage.is_ready
        step(stage, 0)
    assert stage.inferred.get().frame.index == 0
    with pytest.raises(ValueError, match="cable"):
        stage.inferred.get()


def test_closed_stage_takes_no_frame_and_has_ended(engine):
    stage = InferenceStage(engine, live=False)
    stage.close()
    assert stage.has_ended
    assert not stage.put(frame(0))


def test_frame_before_is_handed_on_when_the_next_is_fitted(engine):
    stage = InferenceStage(engine, live=True)
    for index in range(2):
        stage.put(frame(index))
        stage.step(0, lambda: (engine.told.append("hand on"), stage.hand_on()))
        assert stage.inferred.get_waits is (index == 0)
    assert engine.told == [
        ("prepare", 0, None), "hand on", ("invoke", None),
        ("prepare", 1, None), "hand on", ("invoke", None),
    ]  # fmt: skip
    assert stage.inferred.get().frame.index == 0
    assert stage.inferred.get_waits, "until the next is fitted, or none comes"
    stage.hand_on()
    assert stage.inferred.get().frame.index == 1


def test_frame_that_cannot_be_fitted_ends_the_stage_after_the_one_before_it(engine):
    def fail(*_):
        raise ValueError("no such picture")

    stage = InferenceStage(engine, live=True)
    stage.put(frame(0))
    stage.step(0, stage.hand_on)
    engine.prepare = fail
    stage.put(frame(1))
    stage.step(0, stage.hand_on)
    assert stage.has_ended
    assert stage.inferred.get().frame.index == 0
    with pytest.raises(ValueError, match="no such picture"):
        stage.inferred.get()


def test_stage_that_holds_a_frame_is_ready_while_there_is_room_for_two(engine):
    stage = InferenceStage(engine, live=False)
    for index in range(2):
        stage.put(frame(index))
        assert stage.is_ready
        stage.step(0, stage.hand_on)
    stage.put(frame(2))
    assert not stage.is_ready, "one waits to be taken, and one is held"
    stage.inferred.get()
    assert stage.is_ready


@pytest.mark.parametrize(("live", "shared"), [(False, True), (False, False), (True, True)])
def test_next_frame_of_a_file_is_read_late_where_the_network_is_shared(engine, live, shared):
    stage = InferenceStage(engine, live=live, shared=shared)
    waits = []
    stage.captured.wait_for_room = lambda: waits.append("for its turn") or True
    assert stage.put(frame(0))
    assert waits == (["for its turn"] if shared and not live else [])
