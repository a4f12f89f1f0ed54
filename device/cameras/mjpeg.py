"""MJPEG cameras: JPEGs over HTTP, one after the other.

Read here and not by OpenCV: its FFmpeg keeps the size of the first picture and fills it with
rubbish when the next is smaller, does not say what the server answered, and takes three times the
memory.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
from collections.abc import Callable
from typing import BinaryIO, cast

from device.cameras.base import Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.http_stream import Patience, StoppedError, open_stream
from device.cameras.reconnecting import LiveCamera, silence_s
from device.cameras.url import CameraUrl, is_same_server, redact
from device.errors import SourceError
from device.images import check_pixels, decode_image

MAX_LINE = 1 << 16
MAX_IMAGE = 1 << 25  # bytes; JPEGs of 64 megapixels are smaller
TIMEOUTS = 2  # for an answer or a picture to be whole: so many times what a server may be silent
SNAPSHOT_TYPES = ("image/jpeg", "image/jpg", "image/png")
SNAPSHOT_INTERVAL_S = 1.0
ANSWERS = {
    401: "user name or password are missing or wrong: http://user:password@host/...",
    403: "it does not let this user in",
    404: "it has nothing at this path; the camera's manual or web page names it",
}


class MultipartStream:
    """A multipart stream (RFC 2046), read part by part."""

    def __init__(self, stream: BinaryIO, boundary: str) -> None:
        self._stream = stream
        # Some servers count the dashes before a boundary as part of it, some do not.
        self._boundary = boundary.lstrip("-").encode()
        self._at_boundary = False

    def next(self) -> bytes:
        """The next part's content. Raises ``EOFError``, or ``ValueError`` for what is none."""
        passed = 0
        while not self._at_boundary:
            passed += len(self._line())
            if passed > MAX_IMAGE:
                raise ValueError("no boundary between pictures")
        self._at_boundary = False
        headers = http.client.parse_headers(self._stream)
        if "Content-Length" in headers:
            length = int(headers["Content-Length"])
            if not 0 <= length <= MAX_IMAGE:
                raise ValueError(f"a picture of {length} bytes")
            content = self._stream.read(length)
            if len(content) < length:
                raise EOFError
            return content
        lines = bytearray()
        while len(lines) <= MAX_IMAGE:
            line = self._line()
            if self._at_boundary:
                return bytes(lines)
            lines += line
        raise ValueError("a picture without end")

    def _line(self) -> bytes:
        line = self._stream.readline(MAX_LINE)
        if not line:
            raise EOFError
        self._at_boundary = line.startswith(b"--") and line.lstrip(b"-").startswith(self._boundary)
        return line


class Snapshots:
    """Images of a server that sends one per request, asked for once a second."""

    def __init__(
        self,
        first: http.client.HTTPResponse,
        ask: Callable[[], http.client.HTTPResponse],
        wait: Callable[[float], bool],
    ) -> None:
        """``first`` is an answer already; ``wait`` returns True where the run is to end."""
        self._answer: http.client.HTTPResponse | None = first
        self._ask = ask
        self._wait = wait
        self._due_s = time.monotonic()

    def next(self) -> bytes:
        """The next image. Raises as :meth:`MultipartStream.next`, and ``StoppedError``."""
        if self._wait(max(0.0, self._due_s - time.monotonic())):
            raise StoppedError("stopped")
        self._due_s = time.monotonic() + SNAPSHOT_INTERVAL_S
        answer, self._answer = self._answer, None
        with answer or self._ask() as response:
            data = response.read(MAX_IMAGE + 1)
        if len(data) > MAX_IMAGE:
            raise ValueError("a picture without end")
        if not data:
            raise EOFError
        return data


class MjpegCamera(LiveCamera):
    """An ``http://`` or ``https://`` address that sends ``multipart/x-mixed-replace`` or a JPEG."""

    advice = "Is it on, and in the same network? Its address may have changed: the router knows."

    def __init__(
        self,
        url: CameraUrl,
        options: CameraOptions,
        warn: Warn,
        stop: threading.Event | None = None,
    ) -> None:
        """Raises ``SourceError`` where the server cannot be reached, or sends something else."""
        self._url = url
        self._timeout_s = silence_s(options)
        self._response: http.client.HTTPResponse | None = None
        self._patience = Patience(self._timeout_s, lambda: self._stop.is_set())
        self._parts: MultipartStream | Snapshots
        warn(f"connecting to {url.shown}")
        super().__init__(url.shown, options, warn, stop)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera at this address."""
        return cls(CameraUrl.parse(request.source), request.options, request.warn, request.stop)

    def _connect(self) -> None:
        try:
            self._response = self._ask()
        except urllib.error.HTTPError as exc:
            with exc:
                meaning = self._meaning(exc)
            raise SourceError(f"{self.name}: answers {exc.code}, {meaning}") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise SourceError(f"{self.name}: {self._reason(exc)}") from exc
        headers = self._response.headers
        if headers.get_content_type() in SNAPSHOT_TYPES:
            self._parts = Snapshots(self._response, self._ask, lambda s: self._stop.wait(s))
        elif headers.get_content_maintype() == "multipart":
            stream = cast(BinaryIO, self._response)
            self._parts = MultipartStream(stream, headers.get_boundary() or "")
        else:
            raise SourceError(
                f"{self.name}: sends {headers.get_content_type()}, neither a stream of JPEGs "
                "(multipart/x-mixed-replace) nor one (image/jpeg); the camera's manual names the "
                "address that does"
            )

    def _ask(self) -> http.client.HTTPResponse:
        self._patience.begin(TIMEOUTS * self._timeout_s)
        return open_stream(self._url, self._patience)

    def _meaning(self, error: urllib.error.HTTPError) -> str:
        """What a refusal means, for a message."""
        if error.code == 401 and not is_same_server(self._url, error.url):
            return (
                f"from {redact(error.url)}, to which it leads and which is not told user and "
                "password: give that address, if it is the camera's"
            )
        return ANSWERS.get(error.code, error.reason)

    def _reason(self, error: Exception) -> str:
        cause = getattr(error, "reason", error)  # what urllib wraps
        if isinstance(cause, TimeoutError):
            return f"no answer within {self._timeout_s:g} s"
        is_no_http = isinstance(cause, http.client.BadStatusLine)
        if is_no_http and not isinstance(cause, http.client.RemoteDisconnected):
            return "what answers there does not speak HTTP"
        return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)

    def _grab(self) -> Shot | None:
        self._patience.begin(TIMEOUTS * self._timeout_s)
        try:
            data = self._parts.next()
        except StoppedError:
            return None
        except TimeoutError as exc:
            raise SourceError(f"{self.name}: {self._patience.why()}") from exc
        except EOFError as exc:
            raise SourceError(f"{self.name}: the server ended the stream") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise SourceError(f"{self.name}: the stream broke off: {self._reason(exc)}") from exc
        check_pixels(data, self.name)
        try:
            return Shot(decode_image(data, self.name), self.name)
        except SourceError:  # damaged on its way
            return None

    def _disconnect(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
