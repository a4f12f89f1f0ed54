"""Requests to the live page: what their handlers are given, and bodies of JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import stream_request_body

from device.json_text import decode_json
from device.system.board import State
from device.web.auth import Access
from device.web.guard import GuardedHandler, RefusedError
from device.web.run import Run

MAX_BODY_BYTES = 16 << 10
READ_BODY_BYTES = 8 << 20  # read, so that the answer arrives, and thrown away

_TOO_LARGE = f"send no more than {MAX_BODY_BYTES} bytes"

Content = TypeVar("Content")


@dataclass(frozen=True)
class Site:
    """What all handlers of a page share, whichever run they tell of."""

    access: Access
    read_state: Callable[[], Awaitable[State]]


class Handler(GuardedHandler):
    """A handler of the live page, which tells of a run or acts on it."""

    def initialize(self, run: Run, site: Site) -> None:
        """Take what the application gives to each."""
        self.run = run
        self.site = site
        self.access = site.access


def connection(request: HTTPServerRequest) -> HTTP1Connection:
    """The connection that ``request`` came by."""
    assert isinstance(request.connection, HTTP1Connection)
    return request.connection


def _announced_bytes(request: HTTPServerRequest) -> int:
    """How long the body is to be; 0 where nothing says it that Tornado would not refuse itself."""
    try:
        return int(request.headers.get("Content-Length", "0"))
    except ValueError:
        return 0


@stream_request_body
class JsonHandler(Handler):
    """A handler of requests that may have a body of JSON, bounded in size."""

    def prepare(self) -> None:
        """Turn away who may not ask, and who announces too much."""
        super().prepare()
        if _announced_bytes(self.request) > READ_BODY_BYTES:  # Tornado's own no has no words
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        connection(self.request).set_max_body_size(READ_BODY_BYTES)
        self._body = bytearray()

    def data_received(self, chunk: bytes) -> None:
        """Keep what may be sent."""
        if len(self._body) <= MAX_BODY_BYTES:
            self._body += chunk

    def content_as(self, kind: type[Content], expected: str) -> Content:
        """The body's content, checked; ``expected`` says what that is.

        A page of another site cannot send this type unasked. Raises :class:`RefusedError`.
        """
        given = self.request.headers.get("Content-Type", "").partition(";")[0]
        if given.strip().lower() != "application/json":
            raise RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json"
            )
        if len(self._body) > MAX_BODY_BYTES:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        try:
            return decode_json(self._body, kind)
        except msgspec.DecodeError as exc:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{exc}; {expected}") from exc
