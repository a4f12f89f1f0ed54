"""The test of the messages, asked for by programs."""

from __future__ import annotations

import json
import threading

import pytest

from device.errors import InterpreterError
from tests.helpers.live_page import Phone, WebSocket, visit


@pytest.fixture(scope="module")
def phone():
    return Phone(services=2)


@pytest.fixture(scope="module")
def sending(bundle_dir, no_token, phone):
    with visit(bundle_dir, messages=phone) as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        yield run


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr("device.web.messages.PERIOD_S", 0.0)


def test_test_goes_out_with_the_picture_of_now_and_failures_come_back(sending, phone, no_pause):
    phone.answers.put({2: "ntfy: error=500\x1b[2J"})
    status, answer = sending.test_messages()
    assert (status, answer["services"]) == (200, 2)
    assert list(answer["failures"]) == ["2"]
    assert "error=500" in answer["failures"]["2"]
    assert "\x1b" not in answer["failures"]["2"], "a terminal's commands are not passed on"
    assert phone.pictures[-1][:2] == b"\xff\xd8", "a JPEG"


def test_lost_camera_does_not_hold_the_test_up(sending, phone, no_pause, monkeypatch):
    monkeypatch.setattr("device.pipeline.history.History.ailment", lambda _: "no camera")
    phone.answers.put({})
    assert sending.test_messages() == (200, {"services": 2, "failures": {}})
    assert phone.pictures[-1] is None


def test_process_that_fails_is_told_in_words(sending, phone, no_pause):
    phone.answers.put(InterpreterError("a message: no answer in 60 s"))
    assert sending.test_messages() == (502, {"error": "a message: no answer in 60 s"})


def test_service_that_never_answers_is_given_up(sending, phone, no_pause, monkeypatch):
    monkeypatch.setattr("device.web.messages.TIMEOUT_S", 0.0)
    status, answer = sending.test_messages()
    phone.answers.put({})  # to nobody: the one who waited has gone
    assert (status, answer["error"]) == (502, "no service answered within 0 s")
    sending.until(phone.answers.empty)  # taken, so that the next test's is its own


def test_second_test_waits_for_the_first(sending, phone, no_pause):
    first = []
    before = len(phone.pictures)
    asking = threading.Thread(target=lambda: first.append(sending.test_messages()[0]))
    asking.start()
    sending.until(lambda: len(phone.pictures) > before)
    status, answer = sending.test_messages()
    phone.answers.put({})
    asking.join()
    assert (status, answer["error"]) == (429, "a test is under way already")
    assert first == [200]


def test_pages_of_other_sites_and_bodies_that_say_more_send_nothing(sending, phone):
    before = len(phone.pictures)
    assert sending.test_messages(Origin="http://evil.example")[0] == 403
    assert sending.test_messages(Content_Type="text/plain")[0] == 415
    assert sending.test_messages(b'{"to": "ntfy://evil.example/x"}')[0] == 400
    assert sending.ask("/messages/test")[0] == 405
    assert len(phone.pictures) == before


def test_who_has_no_token_sends_nothing(locked):
    assert locked.test_messages()[0] == 401


def test_run_without_messages_says_what_to_type(run):
    assert run.test_messages() == (
        409,
        {"error": "this run sends no messages: give it --notify and --notify-on"},
    )


def test_viewers_are_told_how_many_services_there_are_and_no_address(sending, run):
    with WebSocket(sending.host) as watching:
        hello = watching.text()["hello"]
    assert hello["messages"] == {"services": 2, "on": ["cat", "crowd"]}
    assert "://host" not in json.dumps(hello)
    with WebSocket(run.host) as watching:
        assert watching.text()["hello"]["messages"] is None
