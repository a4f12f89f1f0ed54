"""Network cameras for the tests: servers on loopback that do, and fail, as cameras do."""

from __future__ import annotations

import base64
import hashlib
import http.server
import itertools
import socketserver
import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Self

import av
import cv2
import numpy as np

from tests.helpers.scene import corners

USER, PASSWORD = "caretaker", "s3cr3t"
FPS = 100


class NetworkCamera:
    """Serves frames to all who ask, from :meth:`start` to :meth:`stop`; always on one port."""

    scheme = ""
    handler: type[socketserver.BaseRequestHandler]

    def __init__(self, scene: Callable[[int], np.ndarray] = corners) -> None:
        self.scene = scene
        self.silent = threading.Event()  # sends no more frames, and keeps the connection
        self.auth: str | None = None  # Basic or Digest
        self.refusals = 0
        self.authorizations: list[str] = []  # that were sent, empty where none was
        self.asked_for: list[str] = []
        self.path = "/stream"
        self.sent = 0  # frames, to all who asked
        self.turns = 0  # waits for the next frame, or what is sent in its place
        self._port = 0
        self._server: socketserver.ThreadingTCPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._port}{self.path}"

    def url_with(self, user: str, password: str) -> str:
        return self.url.replace("://", f"://{user}:{password}@")

    def start(self) -> None:
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            camera = self

        self.gone = threading.Event()
        self._server = Server(("127.0.0.1", self._port), self.handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go away: connections break off, and new ones are refused."""
        if self._server is not None:
            self.gone.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self) -> bool:
        """Wait for the next frame; False when there will be none."""
        self.turns += 1
        if self.gone.wait(1 / FPS):
            return False
        while self.silent.is_set():
            if self.gone.wait(0.02):
                return False
        return True

    def next_frame(self) -> np.ndarray:
        self.sent += 1
        return self.scene(self.sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def digest(password: str, method: str, uri: str) -> str:
    """What RFC 2069 has a client send."""
    a1 = hashlib.md5(f"{USER}:here:{password}".encode()).hexdigest()
    a2 = hashlib.md5(f"{method}:{uri}".encode()).hexdigest()
    return hashlib.md5(f"{a1}:n0nce:{a2}".encode()).hexdigest()


def is_let_in(camera: NetworkCamera, method: str, uri: str, authorization: str) -> bool:
    if camera.auth is None:
        return True
    if camera.auth == "Basic":
        return authorization == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return f'response="{digest(PASSWORD, method, uri)}"' in authorization


def challenge(camera: NetworkCamera) -> str:
    return f'{camera.auth} realm="here"' + (', nonce="n0nce"' if camera.auth == "Digest" else "")


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        camera = self.server.camera
        camera.authorizations.append(self.headers.get("Authorization", ""))
        if camera.redirect_to:
            self.send_response(302)
            self.send_header("Location", camera.redirect_to)
            self.end_headers()
        elif not is_let_in(camera, "GET", self.path, self.headers.get("Authorization", "")):
            camera.refusals += 1
            self.send_response(401)
            self.send_header("WWW-Authenticate", challenge(camera))
            self.end_headers()
        elif self.path.split("?")[0] != "/stream":
            self.send_error(404)
        elif camera.never_answers:
            camera.gone.wait()
        else:
            self.send_response(200)
            self.send_header("Content-Type", camera.content_type)
            self.end_headers()
            self._stream(camera)

    def _stream(self, camera: MjpegServer) -> None:
        try:
            self._misbehave(camera)
            if camera.content_type == "image/jpeg" and camera.wait():
                self.wfile.write(camera.encode(camera.next_frame()))
            while camera.content_type != "image/jpeg" and camera.wait():
                self._misbehave(camera)
                data = camera.encode(camera.next_frame())
                length = f"Content-Length: {len(data)}\r\n" if camera.says_length else ""
                head = f"--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
        except OSError:
            return
        self.connection.close()

    def _misbehave(self, camera: MjpegServer) -> None:
        while camera.floods and camera.wait():
            self.wfile.write(b"x" * 1000)
        if camera.drips:
            self.wfile.write(
                b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 100000\r\n\r\n"
            )
        while camera.drips and camera.wait():
            self.wfile.write(b"x")


def encode_jpeg(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


class MjpegServer(NetworkCamera):
    """JPEGs over HTTP."""

    scheme = "http"
    handler = MjpegHandler
    says_length = True
    never_answers = False
    floods = False  # sends bytes without a boundary, without end
    drips = False  # sends a picture byte by byte
    redirect_to = ""
    content_type = "multipart/x-mixed-replace; boundary=frame"
    encode = staticmethod(encode_jpeg)


class H264:
    """An encoder that gives every frame at once, as NAL units."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = size_wh
        self._codec.pix_fmt = "yuv420p"
        self._codec.time_base = Fraction(1, FPS)
        self._codec.gop_size = 10
        self._codec.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "10"}
        self._count = 0

    def encode(self, pixels: np.ndarray) -> list[bytes]:
        frame = av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(format="yuv420p")
        frame.pts = self._count
        self._count += 1
        data = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        return [unit for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


class Rtp:
    """Packs NAL units for RTP (RFC 6184) inside an RTSP connection."""

    LARGEST = 1400

    def __init__(self) -> None:
        self._sequence = 0

    def pack(self, units: list[bytes], number: int) -> bytes:
        payloads = [payload for unit in units for payload in self._split(unit)]
        packed = b""
        for index, payload in enumerate(payloads):
            marker = 0x80 if index == len(payloads) - 1 else 0
            header = struct.pack(
                ">BBHII", 0x80, marker | 96, self._sequence, number * 90_000 // FPS, 7
            )
            self._sequence = (self._sequence + 1) % 65536
            packed += struct.pack(">cBH", b"$", 0, len(header) + len(payload)) + header + payload
        return packed

    def _split(self, unit: bytes) -> list[bytes]:
        if len(unit) <= self.LARGEST:
            return [unit]
        first, body = unit[0], unit[1:]
        parts = [body[at : at + self.LARGEST] for at in range(0, len(body), self.LARGEST)]
        ends = {0: 0x80, len(parts) - 1: 0x40}
        return [
            bytes(((first & 0xE0) | 28, ends.get(index, 0) | (first & 0x1F))) + part
            for index, part in enumerate(parts)
        ]


class RtspHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        camera = self.server.camera
        try:
            while head := self._read_head():
                request, headers = head
                method, uri, _ = request.split(" ")
                camera.asked_for.append(f"{method} {uri} {headers.get('transport', '')}")
                if camera.never_answers:
                    camera.gone.wait()
                    return
                if self._answer(camera, method, uri, headers) and method == "PLAY":
                    self._play(camera)
                    return
        except OSError:
            return

    def _read_head(self) -> tuple[str, dict[str, str]] | None:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        if not lines:
            return None
        return lines[0], dict(line.lower().split(": ", 1) for line in lines[1:]) | {
            "authorization": next((x[15:] for x in lines if x.startswith("Authorization: ")), "")
        }

    def _answer(self, camera: RtspServer, method: str, uri: str, headers: dict[str, str]) -> bool:
        status, extra, body = "200 OK", "", ""
        camera.authorizations.append(headers["authorization"])
        if camera.leads_elsewhere(method, uri, headers["authorization"]):
            status, extra = "302 Moved", f"Location: {camera.redirect_to}\r\n"
        elif method != "OPTIONS" and not is_let_in(camera, method, uri, headers["authorization"]):
            status, extra = "401 Unauthorized", f"WWW-Authenticate: {challenge(camera)}\r\n"
        elif not uri.removesuffix("/").removesuffix("/track").endswith("/stream"):
            status = "404 Not Found"
        elif method == "DESCRIBE":
            body = camera.describe()
            extra = "Content-Type: application/sdp\r\n"
        elif method == "SETUP" and "interleaved" not in headers["transport"]:
            status = "461 Unsupported Transport"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        self.wfile.write(
            f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\nSession: 1\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return status == "200 OK"

    def _play(self, camera: RtspServer) -> None:
        first = camera.scene(0)
        encoder, rtp = H264(first.shape[1::-1]), Rtp()
        for sent in itertools.count():
            if not camera.wait():
                self.connection.close()
                return
            units = encoder.encode(camera.next_frame())
            self.wfile.write(rtp.pack(units, sent))


class RtspServer(NetworkCamera):
    """H.264 over RTSP, interleaved in its connection."""

    scheme = "rtsp"
    handler = RtspHandler
    never_answers = False
    redirect_to = ""
    redirect_at = "DESCRIBE"  # or OPTIONS, SETUP, or AUTHORIZED: where a password was sent

    def leads_elsewhere(self, method: str, uri: str, authorization: str) -> bool:
        """Whether a request is answered by a redirect; one that was followed already is not."""
        if not self.redirect_to or "/moved/" in uri:
            return False
        return method == self.redirect_at or (
            self.redirect_at == "AUTHORIZED" and authorization != ""
        )

    sound_alone = False

    def describe(self) -> str:
        if self.sound_alone:
            return (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
                "a=control:track\r\n"
            )
        image = self.scene(0)
        sets = [
            base64.b64encode(unit).decode()
            for unit in H264(image.shape[1::-1]).encode(image)
            if unit[0] & 31 in (7, 8)
        ]
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; "
            f"sprop-parameter-sets={','.join(sets)}\r\na=control:track\r\n"
        )
