"""The test of the messages that viewers of the page may send: whose turn it is, and how it went."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from device.errors import LiteberryError

PERIOD_S = 15.0  # between two tests, by whomever: each is a message on somebody's phone
TIMEOUT_S = 120.0  # a minute for a message that is under way, and one for the test


class TooSoonError(LiteberryError):
    """A test while another is under way, or right after it."""


class Messages(Protocol):
    """What sends messages."""

    @property
    def services(self) -> int:
        """The number of services that get each message."""

    @property
    def wanted(self) -> Sequence[str]:
        """The classes and rules that are worth a message."""

    def send_test(self, jpeg: bytes | None) -> Future[Mapping[int, str]]:
        """Have a test message sent; the result is why it did not arrive, by the service."""


class MessageTest:
    """A test of the messages: one at a time, for all viewers together, with a pause between."""

    def __init__(self, messages: Messages, clock: Callable[[], float] = time.monotonic) -> None:
        self._messages = messages
        self._clock = clock
        self._is_under_way = False
        self._next_at_s = -math.inf

    @property
    def about(self) -> Mapping[str, object]:
        """What viewers are told: never an address, which holds passwords."""
        return {"services": self._messages.services, "on": list(self._messages.wanted)}

    def begin(self) -> None:
        """Take the turn; raises :class:`TooSoonError` where it is not free yet."""
        if self._is_under_way:
            raise TooSoonError("a test is under way already")
        if (wait_s := self._next_at_s - self._clock()) > 0:
            raise TooSoonError(
                f"a test was sent just now: the next may go in {math.ceil(wait_s)} s"
            )
        self._is_under_way = True

    def end(self) -> None:
        """Give the turn back."""
        self._is_under_way = False
        self._next_at_s = self._clock() + PERIOD_S

    async def send(self, jpeg: bytes | None) -> Mapping[int, str]:
        """Send it; why it did not arrive, by the number of the service.

        Raises ``LiteberryError`` where it could not be tried, or took too long.
        """
        result = asyncio.wrap_future(self._messages.send_test(jpeg))
        try:
            return await asyncio.wait_for(result, TIMEOUT_S)
        except TimeoutError:
            raise LiteberryError(f"no service answered within {TIMEOUT_S:.0f} s") from None
