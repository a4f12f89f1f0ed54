"""Request checks: who may ask a page of liteberry, and how a refusal is told."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from tornado.web import HTTPError, RequestHandler

from device.web.auth import COOKIE, Access, origin_is_own

PAGE = Path(__file__).parent / "static"
COOKIE_DAYS = 365

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

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class RefusedError(HTTPError):
    """A refusal, with a line that says why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(status.value)
        self.why = why


class GuardedHandler(RequestHandler):
    """A handler that checks its request, and answers what goes wrong in JSON."""

    access: Access  # who may ask
    cookie_name = COOKIE

    def set_default_headers(self) -> None:
        """Say with every answer what it may be used for."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Turn away who may not ask; who came with the link gets a cookie for later."""
        access, request = self.access, self.request
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
        cookie, authorization = (
            self.get_cookie(self.cookie_name),
            request.headers.get("Authorization"),
        )
        if not access.admits(given, cookie, authorization):
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED,
                "the token is missing or wrong: open the link that was printed at the start, or "
                "send 'Authorization: Bearer TOKEN'",
            )
        if given is not None and access.token is not None:
            self.set_cookie(
                self.cookie_name,
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

    def show(self, name: str, folder: Path = PAGE) -> None:
        """Finish with a file."""
        file = folder / name
        self.set_header("Content-Type", CONTENT_TYPES[file.suffix])
        self.finish(file.read_bytes())

    def data_received(self, chunk: bytes) -> None:
        """Bodies are for those that say so."""


class PageHandler(GuardedHandler):
    """A page, or where the token is missing a place to type it."""

    file: str
    folder = PAGE

    def get(self) -> None:
        """Answer with the page."""
        self.show(self.file, self.folder)

    head = get

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Ask for the token, or say why not."""
        if status_code == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
            self.show("locked.html")
        else:
            super().write_error(status_code, **kwargs)
