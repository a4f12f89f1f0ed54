"""RTSP cameras: H.264 and its like over the network, read by the FFmpeg that OpenCV brings."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time

import cv2
import numpy as np

from device.cameras.base import Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.ffmpeg_options import one_thread
from device.cameras.opencv_log import log_errors_only
from device.cameras.reconnecting import LiveCamera, silence_s
from device.cameras.rtsp_relay import RtspFilter, RtspRelay
from device.cameras.url import CameraUrl, is_same_server, redact
from device.errors import SourceError
from device.images import check_size

OPEN_TIMEOUT_S = 10.0  # cameras start their encoder first, and FFmpeg waits for a key frame
MOST_REDIRECTS = 5
ANSWER_BYTES = 1 << 16
ASK_TIMEOUT_S = 2.0  # for one more question to a server that was waited for
ANSWERS = {
    "401": "user name or password are missing or wrong: rtsp://user:password@host/...",
    "404": "it has no stream at this path; the camera's manual names it",
}


def no_answer() -> str:
    """What to say of a server that is silent from the start."""
    return f"no answer within {OPEN_TIMEOUT_S:g} s"


def _hear_answer(connection: socket.socket, heard: RtspFilter, timeout_s: float) -> None:
    """Read one answer with its content, or until it turns out to be none.

    Raises ``OSError``, and ``TimeoutError`` where it takes too long.
    """
    deadline_s = time.monotonic() + timeout_s
    with contextlib.suppress(ValueError):  # a redirect, or no RTSP
        while not (heard.status and heard.is_complete):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            connection.settimeout(left_s)
            data = connection.recv(ANSWER_BYTES)
            if not data:
                return
            for _ in heard.feed(data):
                pass


def _meaning(heard: RtspFilter) -> str:
    """What the answers of a server mean that gave no stream."""
    if not heard.status:
        return "what answers there does not speak RTSP"
    if _is_sound_alone(heard):
        return "it sends sound and no picture; the camera's manual names the address of its video"
    told = f"no stream could be opened; the server answers {heard.status!r}"
    return ANSWERS.get(heard.status[:3], told)


def _is_sound_alone(heard: RtspFilter) -> bool:
    """Whether a server described what it has, and no video is among it."""
    return b"m=audio" in heard.content and b"m=video" not in heard.content


class RtspCamera(LiveCamera):
    """An ``rtsp://`` address; its video comes over TCP.

    A stream that sends nothing for five seconds is lost, also where ``frozen_s`` is more: waiting
    cannot be interrupted.
    OpenCV decodes into the size of the first frame: a stream that changes it must be sent anew,
    which cameras do.
    """

    advice = "Is it on, and in the same network? Its address may have changed: the router knows."

    def __init__(
        self,
        url: CameraUrl,
        options: CameraOptions,
        warn: Warn,
        stop: threading.Event | None = None,
    ) -> None:
        """Raises ``SourceError`` where the server cannot be reached, or has no such stream."""
        self._url = url
        self._silence_s = silence_s(options)
        self._capture: cv2.VideoCapture | None = None
        self._relay: RtspRelay | None = None
        # Over UDP, which FFmpeg tries first, pictures break where a packet is lost.
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        # What goes wrong is said here, once, and without the password.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        log_errors_only()
        warn(f"connecting to {url.shown}")
        super().__init__(url.shown, options, warn, stop)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The camera at this address."""
        return cls(CameraUrl.parse(request.source), request.options, request.warn, request.stop)

    def _connect(self) -> None:
        options = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(1e3 * OPEN_TIMEOUT_S),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(1e3 * self._silence_s),
        }
        flat = [*(number for pair in options.items() for number in pair), *one_thread()]
        started_s = time.monotonic()
        self._open(flat)
        assert self._capture is not None
        if not self._capture.isOpened():
            waited = time.monotonic() - started_s >= OPEN_TIMEOUT_S
            raise SourceError(f"{self.name}: {self._ask_why(ASK_TIMEOUT_S if waited else None)}")
        width, height = (
            round(self._capture.get(side))
            for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        check_size((width, height), self.name)

    def _open(self, options: list[int]) -> None:
        """Open the stream; where there is a password, wherever the same server leads to."""
        url = self._url
        for _ in range(MOST_REDIRECTS):
            address = url.full
            if url.user is not None:
                self._relay = RtspRelay(url, OPEN_TIMEOUT_S)
                address = url.full_at(*self._relay.address)
            self._capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, options)
            if self._capture.isOpened() or self._relay is None or self._relay.redirect is None:
                return
            url = self._followed(url, self._relay.redirect)
            self._disconnect()
        raise SourceError(f"{self.name}: leads from one address to the next")

    def _followed(self, url: CameraUrl, address: str) -> CameraUrl:
        """``address``, to which ``url`` leads, with its user and password.

        Raises ``SourceError`` where it is another server's, which is not told them.
        """
        if not is_same_server(url, address):
            raise SourceError(
                f"{self.name}: leads to {redact(address)}, which is not told user and password: "
                "give that address, if it is the camera's"
            )
        return url.at_path_of(address)

    def _ask_why(self, timeout_s: float | None) -> str:
        """Why no stream could be opened: OpenCV only says that it failed.

        ``timeout_s`` is given where it has waited for long: then who is silent is not asked more.
        """
        heard = RtspFilter() if self._relay is None else self._relay.heard
        if not heard.status:
            refusal = self._ask(heard, timeout_s or OPEN_TIMEOUT_S)
            if refusal is not None:
                return no_answer() if timeout_s is not None else refusal
        if timeout_s is not None and not _is_sound_alone(heard):
            return no_answer()
        return _meaning(heard)

    def _ask(self, heard: RtspFilter, timeout_s: float) -> str | None:
        """Ask the server what it has; why it cannot be asked, or None."""
        question = f"DESCRIBE {self._url.without_user} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
        try:
            address = self._url.host, self._url.port
            with socket.create_connection(address, timeout=timeout_s) as connection:
                if self._url.scheme == "rtsps":
                    return "no stream could be opened there"
                connection.sendall(question)
                _hear_answer(connection, heard, timeout_s)
        except TimeoutError:
            return no_answer()
        except OSError as exc:
            return exc.strerror or str(exc)
        return None

    def _grab(self) -> Shot | None:
        assert self._capture is not None
        started_s = time.monotonic()
        ok, pixels = self._capture.read()
        if ok:
            return Shot(np.asarray(pixels, np.uint8), self.name)
        if time.monotonic() - started_s >= self._silence_s:
            raise SourceError(f"{self.name}: no picture for {self._silence_s:g} s")
        raise SourceError(f"{self.name}: the stream ended")

    def _disconnect(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        if self._relay is not None:
            self._relay.close()
            self._relay = None
