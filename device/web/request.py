"""Requests to the live page: the run that they are about, and bodies of JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import stream_request_body

from device.json_text import decode_json
from device.pipeline.history import History
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_view import SceneView
from device.system.board import State
from device.web.auth import Access
from device.web.broadcast import Audience
from device.web.guard import GuardedHandler, RefusedError

if TYPE_CHECKING:
    from device.pipeline.scene_editor import SceneEditor
    from device.web.messages import MessageTest
    from device.web.past import Past

MAX_BODY_BYTES = 16 << 10
READ_BODY_BYTES = 8 << 20  # read, so that the answer arrives, and thrown away
GOODBYE_LABELS = 5  # that were seen most, and are told at the end

_TOO_LARGE = f"send no more than {MAX_BODY_BYTES} bytes"

Content = TypeVar("Content")


@dataclass(frozen=True)
class Run:
    """The run that the handlers tell of, and act on."""

    access: Access
    audience: Audience
    history: History
    pipeline: Pipeline
    controls: Controls
    about: Mapping[str, object]  # what stays the same
    read_state: Callable[[], Awaitable[State]]
    past: Past | None = None  # in a run that keeps its visits
    editor: SceneEditor | None = None  # in a run that has zones, lines or masks, or a file for them
    messages: MessageTest | None = None  # in a run that sends messages

    def hello(self) -> bytes:
        """The JSON that a viewer gets first."""
        messages = None if self.messages is None else self.messages.about
        history = list(self.history.seconds)
        return msgspec.json.encode({**self.about, "messages": messages, "history": history})

    def ailment(self) -> str | None:
        """Why this run is not well, with the cause where the camera knows it; None if it is."""
        ailment, loss = self.history.ailment(), self.pipeline.loss
        return ailment if ailment is None or loss is None else f"{ailment}: {loss.cause}"

    def health(self) -> tuple[int, bytes]:
        """The status and JSON for whoever restarts a run that is not well."""
        ailment = self.ailment()
        if ailment is None:
            return HTTPStatus.OK, b'{"status":"ok"}\n'
        content = msgspec.json.encode({"status": "failing", "reason": ailment})
        return HTTPStatus.SERVICE_UNAVAILABLE, content + b"\n"

    def goodbye(self, failure: str | None) -> bytes:
        """The JSON that a viewer gets last; ``failure`` is what ended the run, if that was one."""
        seen = self.pipeline.frames_with.most_common(GOODBYE_LABELS)
        return msgspec.json.encode(
            {"frames": self.history.frames, "seen": seen, "failure": failure}
        )

    def scene(self) -> SceneView:
        """The zones, lines and masks in force."""
        return SceneView() if self.editor is None else self.editor.view

    def settings(self) -> bytes:
        """The settings in force, as JSON."""
        return msgspec.json.encode(self.controls.settings)


class Handler(GuardedHandler):
    """A handler of the live page, which tells of a run or acts on it."""

    def initialize(self, run: Run) -> None:
        """Take what the application gives to each."""
        self.run = run
        self.access = run.access


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
