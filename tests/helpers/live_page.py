"""A run with a live page, for tests to visit."""

from __future__ import annotations

import contextlib
import functools
import http.client
import itertools
import json
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2

from device.bundle.bundle import Bundle
from device.cameras.base import Camera, Shot
from device.errors import LiteberryError
from device.images import read_image
from device.inference.engine import Engine
from device.outputs.pace import Pace
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_editor import SceneEditor
from device.pipeline.watching import Watch
from device.visits.watcher import SceneWatcher
from device.web.address import Address
from device.web.messages import Messages, MessageTest
from device.web.past import Past
from device.web.run import Run, describe
from device.web.server import LivePage
from tests.helpers.children import PATIENCE_S, wait_until

FPS = 30
RULES = {"rule": [{"name": "crowd", "when": "door: at least 1 for 1 s"}]}
SAMPLES = ("cat", "person", "cup", "motorcycle")


class Scene(Camera):
    """Shows one sample picture, shifted a little further each frame; may be lost and come back."""

    live = True

    def __init__(self, bundle: Path) -> None:
        super().__init__()
        self.images = {
            name: cv2.resize(read_image(bundle / "samples" / f"{name}.jpg"), (320, 240))
            for name in SAMPLES
        }
        self._steps = itertools.count()
        self.shows = "cat"
        self.there = threading.Event()
        self.there.set()

    def _read(self) -> Shot | None:
        time.sleep(1 / FPS)
        while not self.there.wait(0.05):
            if self._closed:
                return None
        image = self.images[self.shows].copy()
        image[:, :4] = (0, 0, 255 * (next(self._steps) % 2))
        return Shot(image)


class Phone:
    """Takes test messages in place of services, and answers when it is told to."""

    wanted = ("cat", "crowd")

    def __init__(self, services: int = 1) -> None:
        self.services = services
        self.pictures: list[bytes | None] = []
        self.answers: queue.Queue[dict[int, str] | LiteberryError] = queue.Queue()

    def send_test(self, jpeg: bytes | None) -> Future[Mapping[int, str]]:
        self.pictures.append(jpeg)
        result: Future[Mapping[int, str]] = Future()
        threading.Thread(target=self._answer, args=(result,), daemon=True).start()
        return result

    def _answer(self, result: Future[Mapping[int, str]]) -> None:
        answer = self.answers.get()
        if not result.set_running_or_notify_cancel():
            return
        if isinstance(answer, LiteberryError):
            result.set_exception(answer)
        else:
            result.set_result(answer)


class WebSocket:
    """A viewer of ``/live`` as simple as can be; without ``ready`` one that asks for no more."""

    TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

    def __init__(self, host: str, *, ready: bool = True, origin: str | None = None) -> None:
        self._ready = ready
        name, _, port = host.partition(":")
        self._socket = socket.create_connection((name, int(port)), timeout=PATIENCE_S)
        self._file = self._socket.makefile("rb")
        lines = [
            "GET /live HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            *([f"Origin: {origin}"] if origin else []),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass

    def __enter__(self) -> WebSocket:
        assert self.status == 101
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave without a word."""
        self._file.close()
        self._socket.close()

    def _message(self) -> tuple[int, bytes]:
        kind, data = self._frame()
        while kind == self.PING:
            self._put(self.PONG, data)
            kind, data = self._frame()
        return kind, data

    def _frame(self) -> tuple[int, bytes]:
        head = self._file.read(2)
        if not head:
            return self.CLOSE, b""
        size = head[1]
        if size == 126:
            (size,) = struct.unpack(">H", self._file.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._file.read(8))
        return head[0] & 15, self._file.read(size)

    def say(self, text: str) -> None:
        """Send a text; masked with zeros, as the standard wants it masked."""
        self._put(self.TEXT, text.encode())

    def _put(self, kind: int, data: bytes) -> None:
        size = struct.pack(">BH", 0xFE, len(data)) if len(data) > 125 else bytes([128 + len(data)])
        self._socket.sendall(bytes([128 + kind]) + size + bytes(4) + data)

    def text(self) -> Any:
        """The next text, parsed."""
        kind, data = self._message()
        assert kind == self.TEXT
        return json.loads(data)

    def text_only(self) -> Any:
        """The next text, parsed; images before it are passed over."""
        while True:
            kind, data = self._message()
            assert kind != self.CLOSE
            if kind == self.TEXT:
                return json.loads(data)

    def image(self) -> tuple[Any, bytes]:
        """The next frame and its JPEG."""
        frame = None
        while True:
            kind, data = self._message()
            assert kind != self.CLOSE
            if kind == self.BINARY:
                if self._ready:
                    self.say("ready")
                return frame, data
            if kind == self.TEXT:
                frame = json.loads(data).get("frame", frame)

    def goodbye(self) -> int:
        """Wait for the other side to close; the code that it gives as its reason."""
        while True:
            kind, data = self._message()
            if kind == self.CLOSE:
                return int.from_bytes(data[:2], "big")


class Visit:
    """A running page, and what its visitors need."""

    def __init__(
        self, page: LivePage, scene: Scene, pipeline: Pipeline, encoded: Callable[[], int]
    ) -> None:
        self.page, self.scene, self.pipeline, self.encoded = page, scene, pipeline, encoded
        self.host = urlsplit(page.endpoint.link).netloc
        self.link = page.endpoint.link

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPResponse, bytes]:
        """One request; its status, answer and content."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            with connection.getresponse() as answer:
                return answer.status, answer, answer.read()

    def change(self, what: Any, **headers: str) -> tuple[int, Any]:
        """Ask for other settings; status and content."""
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        headers = {"Content_Type": "application/json", **headers}
        status, _, content = self.ask("/settings", "POST", body, **headers)
        return status, json.loads(content)

    def draw(self, places: Any, **headers: str) -> tuple[int, Any]:
        """Ask for other zones, lines and masks; status and content."""
        body = places if isinstance(places, bytes) else json.dumps(places).encode()
        headers = {"Content_Type": "application/json", **headers}
        status, _, content = self.ask("/scene", "POST", body, **headers)
        return status, json.loads(content)

    def test_messages(self, body: bytes = b"{}", **headers: str) -> tuple[int, Any]:
        """Have a test message sent; status and content."""
        headers = {"Content_Type": "application/json", **headers}
        status, _, content = self.ask("/messages/test", "POST", body, **headers)
        return status, json.loads(content)

    @contextlib.contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """Server-sent events: kind and content."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/events")
            with connection.getresponse() as answer:  # an endless one is not its connection's
                yield self._parsed(answer)

    @staticmethod
    def _parsed(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
        kind = ""
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)

    @staticmethod
    def until(condition: Callable[[], object]) -> None:
        """Wait for something that must become so."""
        wait_until(condition)


@contextlib.contextmanager
def visit(
    bundle_dir: Path,
    *,
    token: str | None = None,
    fps: float = 15,
    there: bool = True,
    name: str = "",
    past: Past | None = None,
    zones: Path | None = None,
    messages: Messages | None = None,
) -> Iterator[Visit]:
    """Run a scene, ``there`` from the start or not, through int8, with a page to visit.

    With ``zones`` it follows objects, and keeps what is drawn in that file.
    """
    bundle = Bundle(bundle_dir)
    stop = threading.Event()
    with Scene(bundle_dir) as scene, LivePage(Address("127.0.0.1", 0), token, fps) as page:
        if not there:
            scene.there.clear()
        make_engine = functools.partial(Engine, bundle, threads=1)
        watch = None if zones is None else Watch(SceneWatcher(), Pace(FPS, live=True))
        pipeline = Pipeline(scene, make_engine(), [page.feed], watch=watch)
        editor = None if zones is None else SceneEditor(pipeline, zones, RULES, bundle.labels)
        controls = Controls(pipeline, list(bundle.manifest.variants), make_engine)
        about = describe(bundle, "rtsp://me:secret@camera/stream", name)
        test = None if messages is None else MessageTest(messages)
        page.start(Run(page.feed, pipeline, controls, about, past, editor, test))
        thread = threading.Thread(target=pipeline.run, args=(None, stop))
        thread.start()
        try:
            yield Visit(page, scene, pipeline, lambda: page.feed.encoded)
        finally:
            stop.set()
            scene.there.set()
            thread.join()
