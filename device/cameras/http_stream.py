"""HTTP streams: answers without end, read with a deadline and until a stop is set.

The sockets of ``http.client`` cannot be read on after a timeout; those here are waited for in
short steps instead. User and password go to the server that the address names, and to no other
that it may send a client to.
"""

from __future__ import annotations

import base64
import http.client
import io
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any

from device.cameras.url import CameraUrl, is_same_server

POLL_S = 0.25  # between two looks whether a wait is to end


class StoppedError(OSError):
    """A wait that was ended by the stop event."""


class Patience:
    """How long to wait for a server: ``silence_s`` for its next byte, until a deadline for all."""

    def __init__(self, silence_s: float, is_stopped: Callable[[], bool]) -> None:
        self.silence_s = silence_s
        self._is_stopped = is_stopped
        self._deadline_s = self._total_s = 0.0
        self._is_slow = False  # what timed out came, but not whole

    def begin(self, total_s: float) -> None:
        """Set the deadline ``total_s`` from now."""
        self._total_s = total_s
        self._deadline_s = time.monotonic() + total_s

    def left_s(self, silent_since_s: float) -> float:
        """The time left to wait for a byte.

        Raises :class:`StoppedError`, or ``TimeoutError`` when there is none.
        """
        if self._is_stopped():
            raise StoppedError("stopped")
        now_s = time.monotonic()
        left_s = min(silent_since_s + self.silence_s, self._deadline_s) - now_s
        if left_s <= 0:
            self._is_slow = now_s < silent_since_s + self.silence_s
            raise TimeoutError
        return left_s

    def why(self) -> str:
        """What to say of a picture that did not come in time."""
        if self._is_slow:
            return f"no whole picture within {self._total_s:g} s"
        return f"no picture for {self.silence_s:g} s"


class _PatientReader(io.RawIOBase):
    """A socket's bytes, as long as there is patience."""

    def __init__(
        self, connection: socket.socket, held: io.BufferedIOBase, patience: Patience
    ) -> None:
        """``held`` is what keeps the socket open until it is closed itself."""
        super().__init__()
        self._socket = connection
        self._held = held
        self._patience = patience

    def close(self) -> None:
        self._held.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        silent_since_s = time.monotonic()
        while True:
            left_s = self._patience.left_s(silent_since_s)
            self._socket.settimeout(min(POLL_S, left_s))
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError:
                continue


def _response_class(patience: Patience) -> type[http.client.HTTPResponse]:
    class Response(http.client.HTTPResponse):
        """An answer that is waited for with ``patience``."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(_PatientReader(sock, self.fp, patience))

    return Response


class _Handler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Opens connections whose answers are waited for with patience."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._response = _response_class(patience)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(http.client.HTTPConnection, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(http.client.HTTPSConnection, req)

    def _open(
        self, kind: type[http.client.HTTPConnection], req: urllib.request.Request
    ) -> http.client.HTTPResponse:
        def connect(host: str, **options: Any) -> http.client.HTTPConnection:
            connection = kind(host, **options)
            connection.response_class = self._response
            return connection

        return self.do_open(connect, req)


class Credentials(urllib.request.HTTPDigestAuthHandler):
    """HTTP authentication, Basic or Digest, tried once: cameras lock out those who guess.

    It answers the server of ``url`` alone: another, that it redirects to, is told nothing. The
    same host with TLS counts as the same.
    """

    def __init__(self, url: CameraUrl) -> None:
        self._url = url
        self._user, self._password = url.user or "", url.password or ""
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url.without_user, self._user, self._password)
        super().__init__(passwords)

    def http_error_401(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
    ) -> Any:
        """Ask again with what is known; None to let the refusal stand."""
        if req.has_header("Authorization") or not is_same_server(self._url, req.full_url):
            return None
        fp.close()
        if headers.get("WWW-Authenticate", "").lower().startswith("digest"):
            return super().http_error_401(req, fp, code, msg, headers)
        known = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        req.add_unredirected_header("Authorization", f"Basic {known}")
        return self.parent.open(req, timeout=req.timeout)


def open_stream(url: CameraUrl, patience: Patience) -> http.client.HTTPResponse:
    """The answer of ``url`` to a GET, whose body is yet to be read.

    Raises ``HTTPError`` for a refusal, ``OSError``, ``HTTPException`` or ``ValueError``.
    """
    opener = (
        urllib.request.OpenerDirector()
    )  # build_opener's would follow to ftp:// and file:// too
    for handler in (
        urllib.request.ProxyHandler(),
        _Handler(patience),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    if url.user is not None:
        opener.add_handler(Credentials(url))
    opener.addheaders = [("User-Agent", "liteberry")]
    response: http.client.HTTPResponse = opener.open(url.without_user, timeout=patience.silence_s)
    return response
