"""Request checks: who may ask the live page, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler, stream_request_body

from device.pipeline.history import History
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_view import SceneView
from device.system.board import State
from device.web.auth import COOKIE, Access, origin_is_own
from device.web.broadcast import Audience

if TYPE_CHECKING:
    from device.pipeline.scene_editor import SceneEditor
    from device.web.messages import MessageTest
    from device.web.past import Past

PAGE = Path(__file__).parent / "static"
COOKIE_DAYS = 365
MAX_BODY_BYTES = 16 << 10
READ_BODY_BYTES = 8 << 20  # read, so that the answer arrives, and thrown away
GOODBYE_LABELS = 5  # that were seen most, and are told at the end

HEADERS = {
    "Server": "liteberry",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self'; font-src 'self'; manifest-src 'self'; "
    "connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address may hold the token
    "X-Content-Type-Options": "nosniff",
}

_TOO_LARGE = f"send no more than {MAX_BODY_BYTES} bytes"

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


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


class RefusedError(HTTPError):
    """A refusal, with a line that says why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(status.value)
        self.why = why


class Handler(RequestHandler):
    """A handler that checks its request, and answers what goes wrong in JSON."""

    def initialize(self, run: Run) -> None:
        """Take what the application gives to each."""
        self.run = run

    def set_default_headers(self) -> None:
        """Say with every answer what it may be used for."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Turn away who may not ask; who came with the link gets a cookie for later."""
        access, request = self.run.access, self.request
        if not access.host_is_known(request.host):
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                f"{request.host} is not a name of this server: open it as localhost, or start it "
                "with --token to use other names",
            )
        if not origin_is_own(request.headers.get("Origin"), request.host):
            raise RefusedError(
                HTTPStatus.FORBIDDEN, "requests from pages of other sites are refused"
            )
        given = self.get_query_argument("token", None)
        cookie, authorization = self.get_cookie(COOKIE), request.headers.get("Authorization")
        if not access.admits(given, cookie, authorization):
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED,
                "the token is missing or wrong: open the link that was printed at the start, or "
                "send 'Authorization: Bearer TOKEN'",
            )
        if given is not None and access.token is not None:
            self.set_cookie(
                COOKIE,
                access.cookie,
                max_age=COOKIE_DAYS * 86_400,
                httponly=True,
                samesite="Strict",
            )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say why not."""
        if status_code == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
        error = kwargs.get("exc_info", (None, None))[1]
        why = (
            error.why if isinstance(error, RefusedError) else HTTPStatus(status_code).phrase.lower()
        )
        self.answer({"error": why})

    def answer(self, content: object) -> None:
        """Finish with ``content`` as JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(content) + b"\n")

    def show(self, name: str) -> None:
        """Finish with a file."""
        file = PAGE / name
        self.set_header("Content-Type", CONTENT_TYPES[file.suffix])
        self.finish(file.read_bytes())

    def data_received(self, chunk: bytes) -> None:
        """Bodies are for those that say so."""


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
            return msgspec.json.decode(self._body, type=kind)
        except msgspec.DecodeError as exc:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{exc}; {expected}") from exc
