"""The monitor of one Pi: asks it again and again, and knows how it is."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from device.hub.client import HostAnswer, NoAnswerError
from device.hub.hosts import Host
from device.hub.readings import (
    MOST_METRICS_BYTES,
    MOST_PICTURE_BYTES,
    MOST_VISITS_BYTES,
    LastVisit,
    Reading,
    is_picture,
    read_last_visit,
    read_metrics,
)

PERIOD_S = 5.0  # between two questions to a Pi
LONGEST_PERIOD_S = 30.0  # to one that does not answer
PICTURE_PERIOD_S = 10.0  # a picture costs the Pi the drawing of a frame
HOT_C = 80.0  # from where a Pi holds its processor back


class Health(StrEnum):
    """How a Pi is; what needs somebody first comes first."""

    OFF = "off"  # no answer
    STRANGE = "strange"  # one that is no liteberry's
    LOST = "lost"  # its camera is gone
    STALLED = "stalled"  # no frames
    LOCKED = "locked"  # the token is missing or wrong
    HOT = "hot"  # hot, held back, or on a weak power supply
    OK = "ok"
    ASKING = "asking"  # nothing is known yet


class Client(Protocol):
    """What asks."""

    def get(self, url: str, token: str | None, most_bytes: int) -> Awaitable[HostAnswer]:
        """The answer; raises ``NoAnswerError``."""


@dataclass(slots=True)
class Monitor:
    """How one Pi is, as far as is known."""

    host: Host
    token: str | None = field(repr=False)
    client: Client
    number: int = 0  # no other has it, nor ever had
    health: Health = Health.ASKING
    why: str = ""  # in words, of what is not well
    since_s: float = field(default_factory=time.monotonic)  # of this health
    reading: Reading | None = None  # the last one, of a Pi that is off too
    last_visit: LastVisit | None = None
    picture: bytes | None = None
    pictures: int = 0  # so far: which of them this is
    _failures: int = 0
    _picture_due_s: float = 0.0  # monotonic

    async def run(self, is_watched: Callable[[], bool]) -> None:
        """Ask for ever; for pictures only while somebody watches."""
        await asyncio.sleep(random.random())  # not all at once
        while True:
            await self.ask(is_watched())
            await asyncio.sleep(self.period_s * random.uniform(0.9, 1.1))

    @property
    def period_s(self) -> float:
        """Seconds until it is asked again: longer after each question without an answer."""
        return float(min(PERIOD_S * 2**self._failures, LONGEST_PERIOD_S))

    async def ask(self, with_picture: bool = True) -> None:
        """Ask once, and note how it is; never raises for what a Pi answers."""
        try:
            answer = await self._get("metrics", MOST_METRICS_BYTES)
        except NoAnswerError as exc:
            self._failures = min(self._failures + 1, 8)
            self._note(Health.OFF, str(exc))
            return
        self._failures = 0
        if not self._note_metrics(answer):
            return
        await self._ask_for_visit()
        if with_picture and time.monotonic() >= self._picture_due_s:
            self._picture_due_s = time.monotonic() + PICTURE_PERIOD_S
            await self._ask_for_picture()

    def _get(self, path: str, most_bytes: int) -> Awaitable[HostAnswer]:
        return self.client.get(self.host.link + path, self.token, most_bytes)

    def _note(self, health: Health, why: str = "") -> None:
        if health is not self.health:
            self.health, self.since_s = health, time.monotonic()
        self.why = why

    def _note_metrics(self, answer: HostAnswer) -> bool:
        """Whether it was a reading."""
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            wrong = "is wrong" if self.token else "is missing"
            self._note(Health.LOCKED, f"its token {wrong}: write it into the file of --tokens")
            return False
        reading = read_metrics(answer.body) if answer.status == HTTPStatus.OK else None
        if reading is None:
            self._note(
                Health.STRANGE, f"what answers there is no liteberry (status {answer.status})"
            )
            return False
        self.reading = reading
        self._note(*_judge(reading))
        return True

    async def _ask_for_visit(self) -> None:
        try:
            answer = await self._get("api/visits?limit=1", MOST_VISITS_BYTES)
        except NoAnswerError:
            return
        if answer.status == HTTPStatus.OK:
            self.last_visit = read_last_visit(answer.body) or self.last_visit

    async def _ask_for_picture(self) -> None:
        try:
            answer = await self._get("snapshot.jpg", MOST_PICTURE_BYTES)
        except NoAnswerError:
            return
        if answer.status == HTTPStatus.OK and is_picture(answer.body):
            self.picture = answer.body
            self.pictures += 1


def _judge(reading: Reading) -> tuple[Health, str]:
    """How a Pi is that answers, and why."""
    if reading.camera_lost:
        return Health.LOST, "its camera is gone, or stands still"
    if not reading.up:
        return Health.STALLED, "no frames come through"
    if reading.under_voltage:
        return Health.HOT, "its power supply is too weak"
    if reading.throttled:
        return Health.HOT, "its processor is held back"
    if reading.temperature_c is not None and reading.temperature_c >= HOT_C:
        return Health.HOT, f"{reading.temperature_c:.0f} \N{DEGREE SIGN}C"
    return Health.OK, ""
