"""The handler of the page's button that sends a test message to each service of ``--notify``."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from device.errors import LiteberryError
from device.system.console import printable
from device.web.guard import RefusedError
from device.web.messages import TooSoonError
from device.web.request import JsonHandler
from device.web.snapshot import next_picture

_EXPECTED = "expected is an empty JSON object"


class _TestRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing to choose."""


class MessageTestHandler(JsonHandler):
    """The test of the messages, and how it went."""

    async def post(self) -> None:
        """Send one with the picture of now, where there is one."""
        self.content_as(_TestRequest, _EXPECTED)
        test = self.run.messages
        if test is None:
            raise RefusedError(
                HTTPStatus.CONFLICT, "this run sends no messages: give it --notify and --notify-on"
            )
        try:
            test.begin()
        except TooSoonError as exc:
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, str(exc)) from exc
        try:
            failures = await test.send(await self._picture())
        except LiteberryError as exc:
            raise RefusedError(HTTPStatus.BAD_GATEWAY, printable(str(exc))) from exc
        finally:
            test.end()
        told = {str(number): printable(reason) for number, reason in failures.items()}
        self.answer({"services": test.about["services"], "failures": told})

    async def _picture(self) -> bytes | None:
        if self.run.ailment() is not None:
            return None  # none would come
        try:
            return await next_picture(self.run)
        except RefusedError:
            return None
