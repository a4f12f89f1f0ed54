"""An RTSP relay on loopback: it lets all through but redirects, which FFmpeg follows blindly.

FFmpeg takes user and password along to whatever host a camera names in a redirect, and has no
option against it. An address with a password is therefore opened through this relay, which ends
the connection where the camera answers 3xx, and notes where to.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
from collections.abc import Iterator

from device.cameras.url import CameraUrl
from device.system.closable import Closable

CHUNK_BYTES = 1 << 16
MAX_LINE = 8192
MAX_LINES = 200  # of one answer
MAX_CONTENT = 1 << 20  # bytes of a description
INTERLEAVED = b"$"  # begins a packet of video or sound between answers (RFC 2326, 10.12)
_ANSWER = re.compile(rb"RTSP/\d\.\d ([1-6]\d\d)(?: .*)?")
_REQUEST = re.compile(rb"[A-Z_]{1,30} \S{1,4096} RTSP/\d\.\d")  # cameras ask whether one is there
_LENGTH = re.compile(rb"content-length: *(\d{1,7})", re.IGNORECASE)
_LOCATION = re.compile(rb"location: *(\S{1,4096})", re.IGNORECASE)


class RedirectError(ValueError):
    """A redirect, with the address that it leads to; empty where it names none."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class RtspFilter:
    """The bytes of an RTSP server, passed on as far as they are understood and no redirect."""

    def __init__(self) -> None:
        self.status = ""  # of the last answer, such as "401 Unauthorized"
        self.content = b""  # of the last answer that has any: the description of what there is
        self._buffer = bytearray()
        self._pass_bytes = 0  # of a packet or a content, whatever is in them
        self._is_packet = False
        self._lines: list[bytes] = []  # of the answer under way

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come of the last answer."""
        return not self._pass_bytes and not self._lines

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What may be passed on now that ``data`` came.

        Raises ``RedirectError``, and ``ValueError`` for what is no RTSP.
        """
        self._buffer += data
        while piece := self._next():
            yield piece

    def _next(self) -> bytes:
        """The next whole piece; empty where more has to come first."""
        if self._pass_bytes:
            piece = self._take(min(self._pass_bytes, len(self._buffer)))
            self._pass_bytes -= len(piece)
            if not self._is_packet:
                self.content += piece
            return piece
        if not self._lines and self._buffer.startswith(INTERLEAVED):
            if len(self._buffer) < 4:
                return b""
            self._is_packet = True
            self._pass_bytes = 4 + int.from_bytes(self._buffer[2:4], "big")
            return self._next()
        return self._next_answer()

    def _next_answer(self) -> bytes:
        """All lines of an answer at once: what follows is its content, or the next one."""
        while (end := self._buffer.find(b"\n")) >= 0:
            self._lines.append(self._take(end + 1))
            if len(self._lines) > MAX_LINES:
                raise ValueError("an answer without end")
            if not self._lines[-1].strip():
                lines, self._lines = self._lines, []
                self._note([line.strip() for line in lines])
                return b"".join(lines)
        if len(self._buffer) > MAX_LINE:
            raise ValueError("a line without end")
        return b""

    def _note(self, lines: list[bytes]) -> None:
        """Take in an answer: what it says, and how much content follows."""
        if lines[0].startswith(b"RTSP/"):
            self.status = lines[0].partition(b" ")[2].decode("ascii", "replace")
        self._is_packet = False
        self._pass_bytes = _content_bytes(lines)
        if self._pass_bytes:
            self.content = b""

    def _take(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece


def _content_bytes(lines: list[bytes]) -> int:
    """The length of what follows the ``lines`` of an answer or a request.

    Raises ``RedirectError`` or ``ValueError``.
    """
    first, *headers = lines
    if not headers:  # an empty line between two answers
        return 0
    answer = _ANSWER.fullmatch(first)
    if answer is None and _REQUEST.fullmatch(first) is None:
        raise ValueError("no RTSP")
    if answer is not None and answer[1].startswith(b"3"):
        found = [match for line in headers if (match := _LOCATION.fullmatch(line))]
        raise RedirectError(found[0][1].decode("ascii", "replace") if found else "")
    lengths = [line for line in headers if line.lower().startswith(b"content-length")]
    if not lengths:
        return 0
    length = _LENGTH.fullmatch(lengths[0])
    if len(lengths) > 1 or length is None or int(length[1]) > MAX_CONTENT:
        raise ValueError("an answer of no sensible length")
    return int(length[1])


class RtspRelay(Closable):
    """A relay for one connection to a camera, by ``address`` on this machine."""

    def __init__(self, url: CameraUrl, timeout_s: float) -> None:
        """``timeout_s`` is for connecting."""
        self._url = url
        self._timeout_s = timeout_s
        self.redirect: str | None = None  # the address that the camera leads to
        self.heard = RtspFilter()  # what it says
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._listener.settimeout(timeout_s)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._sockets: list[socket.socket] = [self._listener]
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._run, name="rtsp relay", daemon=True).start()

    def _run(self) -> None:
        try:
            with contextlib.suppress(OSError):  # FFmpeg finds the connection closed
                near, _ = self._listener.accept()
                self._hold(near)
                self._listener.close()  # it is for one alone
                far = self._hold(
                    socket.create_connection((self._url.host, self._url.port), self._timeout_s)
                )
                if self._url.scheme == "rtsps":
                    far = self._hold(_encrypted(far, self._url.host))
                near.settimeout(None)
                far.settimeout(None)
                self._pass(near, far)
        finally:
            with self._lock:
                for connection in self._sockets:
                    connection.close()

    def _hold(self, connection: socket.socket) -> socket.socket:
        """Have ``connection`` ended with the relay, or at once where that was."""
        with self._lock:
            self._sockets.append(connection)
            if self._closed:
                _end(connection)
        return connection

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on what either says, until one of them ends."""
        while True:
            has_more = isinstance(far, ssl.SSLSocket) and far.pending()
            ready = [far] if has_more else select.select([near, far], [], [])[0]
            for connection in ready:
                data = connection.recv(CHUNK_BYTES)
                if not data:
                    return
                if connection is near:
                    far.sendall(data)
                    continue
                try:
                    near.sendall(b"".join(self.heard.feed(data)))
                except RedirectError as exc:
                    self.redirect = exc.location
                    return
                except ValueError:  # no RTSP: the camera is asked why
                    return

    def close(self) -> None:
        """End the connection; may be called more than once, by any thread.

        The relay's own thread closes what it waits for: closed under it, a number could by then be
        another file's.
        """
        with self._lock:
            self._closed = True
            for connection in self._sockets:
                _end(connection)


def _end(connection: socket.socket) -> None:
    """Wake who waits for ``connection``; nothing comes any more."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _encrypted(connection: socket.socket, host: str) -> socket.socket:
    """``connection`` by TLS; certificates are not checked, as cameras sign their own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=host)
