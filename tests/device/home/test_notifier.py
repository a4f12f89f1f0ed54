from __future__ import annotations

import contextlib
import datetime
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import InterpreterError
from device.home.notification import Delivery, NotifyOptions
from device.home.notifier import MAX_WAITING, NotifySink
from device.home.quiet_hours import parse_quiet_hours
from device.records import Detection, SceneEvent, SceneState, Visit
from tests.device.conftest import make_outcome
from tests.helpers.children import PATIENCE_S, wait_until

CAT = Detection(16, "cat", 0.9, 0, 0, 10, 10, visit_id=7)
VISIT = Visit(
    visit_id=7, class_id=16, label="cat", began_s=0, seen_s=1, score=0.9, box=(0, 0, 10, 10)
)


class Service:
    """Takes messages, in place of the process that sends them."""

    def __init__(self, failures: dict[int, str] | None = None) -> None:
        self.messages = []
        self.pictures = []
        self.checked = 0
        self._failures = failures or {}

    def __call__(self, message) -> Delivery:
        if not message.title:
            self.checked += 1
            return Delivery(failures={})
        self.messages.append(message)
        self.pictures.append(message.picture and Path(message.picture).read_bytes()[:2])
        return Delivery(failures=self._failures)


def make_sink(send, said=None, at="12:00", **options):
    settings = {"urls": ["ntfy://host/topic"], "name": "garden", "on": ["cat", "crowd"]} | options
    moment = datetime.datetime.fromisoformat(f"2026-11-28T{at}")
    said = [] if said is None else said
    return NotifySink(NotifyOptions(**settings), said.append, send, lambda: moment)


def with_scene(outcome, *events):
    scene = SceneState(time_s=1.0, visits=(VISIT,), events=events)
    return replace(outcome, result=replace(outcome.result, scene=scene))


BEGAN = SceneEvent("visit-began", VISIT)


def test_visit_is_told_once_with_picture_label_score_and_link():
    service = Service()
    with make_sink(service, link="http://garden:8080/") as sink:
        sink.write(with_scene(make_outcome(0, detections=(CAT,)), BEGAN))
        sink.write(with_scene(make_outcome(1, detections=(CAT,))))
        wait_until(lambda: service.pictures)
    (message,) = service.messages
    assert message.title == "garden: cat"
    assert message.body.startswith("cat, 90% sure, ")
    assert message.body.endswith("\nhttp://garden:8080/")
    assert service.pictures == [b"\xff\xd8"], "a JPEG"
    wait_until(lambda: not Path(message.picture).exists(), "it is left behind")
    assert service.checked == 1


def test_rule_that_begins_is_told_and_other_rules_and_classes_are_not():
    service = Service()
    dog = replace(VISIT, label="dog")
    with make_sink(service) as sink:
        sink.write(with_scene(make_outcome(0), SceneEvent("rule-began", place="empty")))
        sink.write(with_scene(make_outcome(1), SceneEvent("visit-began", dog)))
        sink.write(with_scene(make_outcome(2), SceneEvent("visit-ended", VISIT)))
        sink.write(with_scene(make_outcome(3), SceneEvent("rule-began", place="crowd")))
        wait_until(lambda: service.messages)
    assert [message.title for message in service.messages] == ["garden: crowd"]


def test_cool_down_is_of_each_class_and_ends():
    service = Service()
    with make_sink(service, cooldown_s=10.0) as sink:
        for index in (0, 5, 9, 11):  # make_outcome: frame n is finished n seconds later
            sink.write(with_scene(make_outcome(index, detections=(CAT,)), BEGAN))
        sink.write(with_scene(make_outcome(12), SceneEvent("rule-began", place="crowd")))
        wait_until(lambda: len(service.messages) == 3)
    assert [m.title for m in service.messages] == ["garden: cat", "garden: cat", "garden: crowd"]


@pytest.mark.parametrize(("at", "expected"), [("23:00", 0), ("12:00", 1)])
def test_quiet_hours_are_quiet(at, expected):
    service = Service()
    quiet = parse_quiet_hours("22:00-07:00")
    with make_sink(service, at=at, quiet=quiet) as sink:
        sink.write(with_scene(make_outcome(0, detections=(CAT,)), BEGAN))
        wait_until(lambda: service.checked)
        wait_until(lambda: len(service.messages) == expected)
    assert len(service.messages) == expected


def test_without_visits_what_is_seen_is_told():
    service = Service()
    with make_sink(service) as sink:
        sink.write(make_outcome(0, detections=(CAT,)))
        wait_until(lambda: service.messages)


def test_service_that_fails_is_told_once_by_its_number():
    said: list[str] = []
    service = Service({1: "ntfy: error=500"})
    with make_sink(service, said, cooldown_s=0.5) as sink:
        sink.write(with_scene(make_outcome(0, detections=(CAT,)), BEGAN))
        sink.write(with_scene(make_outcome(2, detections=(CAT,)), BEGAN))
        wait_until(lambda: len(service.messages) == 2)
    (line,) = said
    assert line.startswith("--notify, number 1: ntfy: error=500; the run goes on")


def test_process_that_fails_is_told_and_the_next_message_tried():
    said: list[str] = []

    def send(message):
        raise InterpreterError("a message: no answer in 60 s")

    with make_sink(send, said) as sink:
        wait_until(lambda: said)
        sink.write(with_scene(make_outcome(0, detections=(CAT,)), BEGAN))
    assert said[0].startswith("--notify: a message: no answer in 60 s; the run goes on")


def test_service_that_never_answers_stops_no_frame_and_fills_no_memory():
    hung = threading.Event()

    def send(message):
        hung.wait()
        return Delivery(failures={})

    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(make_sink(send, cooldown_s=0.1))
        stack.callback(hung.set)
        for index in range(100):
            sink.write(with_scene(make_outcome(index, detections=(CAT,)), BEGAN))
        assert sink._waiting.dropped >= 100 - MAX_WAITING - 1


def test_test_goes_out_in_quiet_hours_with_its_picture_and_tells_how_it_went():
    service = Service({1: "ntfy: error=500"})
    said: list[str] = []
    quiet = parse_quiet_hours("22:00-07:00")
    with make_sink(service, said, at="23:00", quiet=quiet, link="http://garden:8080/") as sink:
        assert (sink.services, sink.wanted) == (1, ["cat", "crowd"])
        assert sink.send_test(b"\xff\xd8jpeg").result(PATIENCE_S) == {1: "ntfy: error=500"}
    (message,) = service.messages
    assert message.title == "garden: test"
    assert message.body.startswith("A test of the messages, from the live page, ")
    assert message.body.endswith("\nhttp://garden:8080/")
    assert service.pictures == [b"\xff\xd8"]
    assert said == [], "who asked is told, and nobody else"


def test_test_whose_process_fails_raises_and_the_next_message_is_sent():
    service = Service()
    broken = [InterpreterError("a message: no answer in 60 s")]

    def send(message):
        if message.title.endswith("test"):
            raise broken[0]
        return service(message)

    with make_sink(send) as sink:
        with pytest.raises(InterpreterError, match="no answer in 60 s"):
            sink.send_test(None).result(PATIENCE_S)
        sink.write(with_scene(make_outcome(0, detections=(CAT,)), BEGAN))
        wait_until(lambda: service.messages)
