from __future__ import annotations

import asyncio

import pytest

from device.hub.client import HostAnswer, NoAnswerError
from device.hub.hosts import Host
from device.hub.monitor import LONGEST_PERIOD_S, PERIOD_S, Health, Monitor
from tests.helpers.simulated_pis import metrics

VISITS = b'{"visits": [{"label": "cat", "began_s": 5.0, "under_way": false}]}'


class Answers:
    """Answers by path, in place of a Pi."""

    def __init__(self, jpeg: bytes) -> None:
        self.by_path = {
            "metrics": HostAnswer(200, metrics("Garden")),
            "api/visits?limit=1": HostAnswer(200, VISITS),
            "snapshot.jpg": HostAnswer(200, jpeg),
        }
        self.asked: list[str] = []

    async def get(self, url: str, token: str | None, most_bytes: int) -> HostAnswer:
        path = url.removeprefix("http://garden:8080/")
        self.asked.append(path)
        if path not in self.by_path:
            raise NoAnswerError("nothing listens there")
        return self.by_path[path]


@pytest.fixture
def answers(jpeg):
    return Answers(jpeg)


@pytest.fixture
def monitor(answers):
    return Monitor(Host("garden", "garden:8080"), "open-sesame", answers)


def ask(monitor, **how):
    asyncio.run(monitor.ask(**how))
    return monitor.health, monitor.why


def test_pi_that_is_well(monitor, jpeg):
    assert monitor.health is Health.ASKING
    assert ask(monitor) == (Health.OK, "")
    assert monitor.reading.name == "Garden"
    assert monitor.last_visit.label == "cat"
    assert (monitor.picture, monitor.pictures) == (jpeg, 1)


def test_pictures_are_asked_for_while_somebody_watches_and_not_too_often(monitor, answers):
    ask(monitor, with_picture=False)
    assert "snapshot.jpg" not in answers.asked
    ask(monitor)
    ask(monitor)
    assert answers.asked.count("snapshot.jpg") == 1


@pytest.mark.parametrize(
    ("how", "health", "why"),
    [
        ({"camera_lost": 1, "up": 0}, Health.LOST, "camera"),
        ({"up": 0}, Health.STALLED, "no frames"),
        ({"under_voltage": 1, "throttled": 1}, Health.HOT, "power supply"),
        ({"throttled": 1}, Health.HOT, "held back"),
        ({"temperature": 80.0}, Health.HOT, "80 \N{DEGREE SIGN}C"),
        ({"temperature": 79.9}, Health.OK, ""),
    ],
)
def test_what_is_not_well_is_told(monitor, answers, how, health, why):
    answers.by_path["metrics"] = HostAnswer(200, metrics("Garden", **how))
    found, words = ask(monitor)
    assert found is health
    assert why in words


def test_pi_that_is_off_keeps_what_was_known_and_is_asked_less_often(monitor, answers):
    ask(monitor)
    del answers.by_path["metrics"]
    assert ask(monitor) == (Health.OFF, "nothing listens there")
    assert monitor.reading.name == "Garden"
    assert monitor.period_s == 2 * PERIOD_S
    for _ in range(10):
        ask(monitor)
    assert monitor.period_s == LONGEST_PERIOD_S
    answers.by_path["metrics"] = HostAnswer(200, metrics("Garden"))
    assert ask(monitor) == (Health.OK, "")
    assert monitor.period_s == PERIOD_S


def test_health_begins_when_it_changes(monitor, answers, monkeypatch):
    now_s = 100.0
    monkeypatch.setattr("device.hub.monitor.time.monotonic", lambda: now_s)
    ask(monitor)
    now_s = 200.0
    ask(monitor)
    assert monitor.since_s == 100.0
    del answers.by_path["metrics"]
    ask(monitor)
    assert monitor.since_s == 200.0


@pytest.mark.parametrize("status", [401, 403])
def test_token_that_is_wrong_or_missing_is_told_and_nothing_else_asked(answers, status):
    answers.by_path["metrics"] = HostAnswer(status, b"{}")
    for token, word in (("open-sesame", "wrong"), (None, "missing")):
        monitor = Monitor(Host("garden", "garden:8080"), token, answers)
        health, why = ask(monitor)
        assert health is Health.LOCKED
        assert word in why
        assert "open-sesame" not in why + repr(monitor)
    assert set(answers.asked) == {"metrics"}


@pytest.mark.parametrize(
    "answer", [HostAnswer(200, b"<html>"), HostAnswer(302, b""), HostAnswer(500, b"x")]
)
def test_what_is_no_liteberry_is_told(monitor, answers, answer):
    answers.by_path["metrics"] = answer
    health, why = ask(monitor)
    assert health is Health.STRANGE
    assert f"status {answer.status}" in why


def test_picture_that_is_none_is_not_passed_on(monitor, answers, jpeg):
    answers.by_path["snapshot.jpg"] = HostAnswer(200, b"<script>")
    assert ask(monitor) == (Health.OK, "")
    assert monitor.picture is None


def test_pi_without_visits_or_pictures_is_well(monitor, answers):
    del answers.by_path["snapshot.jpg"], answers.by_path["api/visits?limit=1"]
    assert ask(monitor) == (Health.OK, "")
    assert monitor.last_visit is None


def test_monitor_goes_on_asking(monitor, answers, monkeypatch):
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("device.hub.monitor.asyncio.sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(monitor.run(lambda: False))
    assert answers.asked.count("metrics") == 2
    assert pauses[1] == pytest.approx(PERIOD_S, rel=0.11)
