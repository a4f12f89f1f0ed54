"""MJPEG cameras: JPEGs over HTTP, one after the other.

Read here and not by OpenCV: its FFmpeg keeps the size of the first picture and fills it with
rubbish when the next is smaller, does not say what the server answered, and takes three times the
memory.
"""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from typing import IO, Any, BinaryIO, cast

import cv2
import numpy as np

from device.cameras.base import Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.reconnecting import LiveCamera, silence_s
from device.cameras.url import CameraUrl
from device.errors import SourceError

MAX_LINE = 1 << 16
MAX_IMAGE = 1 << 26  # bytes; JPEGs of 100 megapixels are smaller
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
        while not self._at_boundary:
            self._line()
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


class CredentialHandler(urllib.request.HTTPDigestAuthHandler):
    """HTTP authentication, Basic or Digest, tried once: cameras lock out those who guess."""

    def __init__(self, url: CameraUrl) -> None:
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
        if req.has_header("Authorization"):
            return None
        fp.close()
        if headers.get("WWW-Authenticate", "").lower().startswith("digest"):
            return super().http_error_401(req, fp, code, msg, headers)
        known = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        req.add_unredirected_header("Authorization", f"Basic {known}")
        return self.parent.open(req, timeout=req.timeout)


class MjpegCamera(LiveCamera):
    """An ``http://`` or ``https://`` address that sends ``multipart/x-mixed-replace``."""

    def __init__(self, url: CameraUrl, options: CameraOptions, warn: Warn) -> None:
        """Raises ``SourceError`` where the server cannot be reached, or sends something else."""
        self._url = url
        self._timeout_s = silence_s(options)
        self._response: http.client.HTTPResponse | None = None
        warn(f"connecting to {url.shown}")
        super().__init__(url.shown, options, warn)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera at this address."""
        return cls(CameraUrl.parse(request.source), request.options, request.warn)

    def _connect(self) -> None:
        url = self._url
        opener = urllib.request.build_opener()
        if url.user is not None:
            opener.add_handler(CredentialHandler(url))
        try:
            self._response = opener.open(url.without_user, timeout=self._timeout_s)
        except urllib.error.HTTPError as exc:
            with exc:
                meaning = ANSWERS.get(exc.code, exc.reason)
            raise SourceError(f"{self.name}: answers {exc.code}, {meaning}") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise SourceError(f"{self.name}: {self._reason(exc)}") from exc
        headers = self._response.headers
        if headers.get_content_maintype() != "multipart":
            raise SourceError(
                f"{self.name}: sends {headers.get_content_type()}, not a stream of JPEGs "
                "(multipart/x-mixed-replace); the camera's manual names the address that does"
            )
        stream = cast(BinaryIO, self._response)
        self._parts = MultipartStream(stream, headers.get_boundary() or "")

    def _reason(self, error: Exception) -> str:
        cause = getattr(error, "reason", error)  # what urllib wraps
        if isinstance(cause, TimeoutError):
            return f"no answer within {self._timeout_s:g} s"
        return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)

    def _grab(self) -> Shot | None:
        try:
            data = self._parts.next()
        except TimeoutError as exc:
            raise SourceError(f"{self.name}: no picture for {self._timeout_s:g} s") from exc
        except EOFError as exc:
            raise SourceError(f"{self.name}: the server ended the stream") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise SourceError(f"{self.name}: the stream broke off: {self._reason(exc)}") from exc
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        return None if pixels is None else Shot(np.asarray(pixels, np.uint8), self.name)

    def _disconnect(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
