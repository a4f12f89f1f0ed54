"""Request handlers: the live page's answers at each address."""

from __future__ import annotations

import asyncio
import re
import time
from http import HTTPStatus
from typing import Any

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from device.errors import LiteberryError, UsageError
from device.pipeline.live_settings import BusyError, SettingsChange
from device.web.broadcast import ImageViewer, News, Picture, Viewer
from device.web.frame_encoder import EncodedFrame
from device.web.guard import PAGE, PageHandler, RefusedError
from device.web.message_handlers import MessageTestHandler
from device.web.past_handlers import past_routes
from device.web.request import MAX_BODY_BYTES, Handler, JsonHandler, Site, connection
from device.web.run import Run
from device.web.scene_handlers import SceneHandler
from device.web.snapshot import next_picture

MAX_VIEWERS = 32
PING_INTERVAL_S = 20.0
CLOCK = re.compile(r"clock (0|[1-9]\d{0,14}|(?:0|[1-9]\d{0,14})\.\d{1,6})", re.ASCII)
FILES = r"/([a-z]+\.(?:css|js|svg|png|webmanifest)|fonts/[a-z-]+\.woff2)"

_EXPECTED = (
    "expected is a JSON object with threshold (above 0, at most 1), classes (a list of names), "
    "variant (a name) or paused (true or false)"
)

OPTIONS: dict[str, Any] = {
    "log_function": lambda _: None,
    "websocket_ping_interval": PING_INTERVAL_S,
    "websocket_max_message_size": MAX_BODY_BYTES,
}


class Nowhere(Handler):
    """Not found: any other address."""

    def get(self) -> None:
        """Refuse."""
        raise RefusedError(HTTPStatus.NOT_FOUND, f"nothing is at {self.request.path}; start at /")

    post = get


class FileHandler(Handler):
    """A static file of the page: the same for everyone, so without a token."""

    def prepare(self) -> None:
        """Anybody may ask."""

    def get(self, name: str) -> None:
        """Answer with the file."""
        if not (PAGE / name).is_file():
            raise RefusedError(HTTPStatus.NOT_FOUND, f"nothing is at /{name}")
        self.set_header("Cache-Control", "no-cache")  # asks each time whether it has changed
        self.show(name)

    head = get


class _Page(PageHandler, Handler):
    """The live page."""

    file = "index.html"


class _PastPage(PageHandler, Handler):
    """The page of the past."""

    file = "past.html"


class HealthHandler(Handler):
    """The health check: whether frames flow, told without a token to whoever restarts the run."""

    def prepare(self) -> None:
        """Anybody may ask."""

    def get(self) -> None:
        """Answer with the state."""
        status, content = self.run.health()
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(content)

    head = get


class _Metrics(Handler):
    """The metrics, for Prometheus."""

    async def get(self) -> None:
        # Imported here: without Prometheus nobody pays for it.
        from prometheus_client import CONTENT_TYPE_LATEST

        from device.web.prometheus import exposition

        state = await self.site.read_state()
        run = self.run
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        viewers = len(run.audience.viewers)
        self.finish(exposition(run.pipeline, run.history, state, viewers, run.about))


class _Settings(JsonHandler):
    """The settings in force, and changes to them."""

    def get(self) -> None:
        self.answer(self.run.controls.settings)

    async def post(self) -> None:
        try:
            must_switch = self.run.controls.apply(self.content_as(SettingsChange, _EXPECTED))
        except UsageError as exc:
            raise RefusedError(HTTPStatus.BAD_REQUEST, str(exc)) from exc
        except BusyError as exc:
            raise RefusedError(HTTPStatus.CONFLICT, str(exc)) from exc
        audience = self.run.audience
        audience.tell("settings", self.run.settings())
        if must_switch:
            try:
                await asyncio.to_thread(self.run.controls.switch)
            except LiteberryError as exc:
                raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, str(exc)) from exc
            finally:
                audience.tell("settings", self.run.settings())
        self.answer(self.run.controls.settings)


class _Watched(Handler):
    """A connection that lasts, of which there may be so many at once."""

    def prepare(self) -> None:
        super().prepare()
        if len(self.run.audience.viewers) >= MAX_VIEWERS:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_VIEWERS} watch already")


class _Events(_Watched):
    """Server-sent events: the newest frame's line of the log, settings, and seconds."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self._viewer = Viewer(self.run.audience, self._send)
        self._viewer.tell("settings", self.run.settings())
        await asyncio.wait([self._viewer.task])
        connection(self.request).close()  # no end would reach one who is stuck

    async def _send(self, kind: str, news: News) -> None:
        assert not isinstance(news, Picture)
        data = news.line if isinstance(news, EncodedFrame) else news
        self.write(b"event: %s\ndata: %s\n\n" % (kind.encode(), data))
        await self.flush()

    def on_connection_close(self) -> None:
        self._viewer.task.cancel()


class _Snapshot(_Watched):
    """A snapshot: the next annotated image."""

    async def get(self) -> None:
        jpeg = await next_picture(self.run)
        self.set_header("Content-Type", "image/jpeg")
        self.finish(jpeg)


class _Live(_Watched, WebSocketHandler):
    """The page's WebSocket: texts of JSON, and after a frame's text its JPEG.

    A WebSocket, not multipart JPEG and server-sent events: a browser opens no more than six plain
    connections to one server, over all its tabs, but hundreds of these; and the page says when it
    has taken a picture, so that one on a slow line gets fewer instead of old ones.
    """

    def open(self, *_: str, **__: str) -> None:
        self._viewer = ImageViewer(self.run.audience, self._send)
        self._viewer.tell("hello", self.run.hello())
        self._viewer.tell("settings", self.run.settings())
        self._viewer.task.add_done_callback(lambda _: self.close(1001))

    async def _send(self, kind: str, news: News) -> None:
        try:
            if isinstance(news, Picture):
                frame = news.frame
                text = b'{"size_wh":[%d,%d],"record":%s,"unsure":%s}' % (
                    *frame.size_wh, frame.line, frame.unsure,
                )  # fmt: skip
                await self.write_message(b'{"frame":%s}' % text)
                await self.write_message(news.jpeg, binary=True)
            elif isinstance(news, bytes):
                await self.write_message(b'{"%s":%s}' % (kind.encode(), news))
        except WebSocketClosedError as exc:
            raise ConnectionError from exc

    def on_message(self, message: str | bytes) -> None:
        if message == "ready":
            self._viewer.is_ready()
        elif isinstance(message, str) and (asked := CLOCK.fullmatch(message)):
            now_s = time.monotonic()
            self._viewer.tell("clock", b"[%s,%.6f]" % (asked[1].encode(), now_s))
        else:
            self.close(1008, "messages are: ready, and: clock MILLISECONDS")

    def on_close(self) -> None:
        self._viewer.task.cancel()


def run_routes(
    run: Run, site: Site, path: str = ""
) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Every address of a run below ``path``, and its handler."""
    given = {"run": run, "site": site}
    routes: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
        (r"/", _Page, given),
        (r"/past", _PastPage, given),
        *past_routes(given),
        (r"/live", _Live, given),
        (r"/events", _Events, given),
        (r"/snapshot\.jpg", _Snapshot, given),
        (r"/settings", _Settings, given),
        (r"/scene", SceneHandler, given),
        (r"/messages/test", MessageTestHandler, given),
        (r"/metrics", _Metrics, given),
        (r"/healthz", HealthHandler, given),
    ]
    return [(path + address, handler, kwargs) for address, handler, kwargs in routes]


def make_application(run: Run, site: Site) -> Application:
    """The Tornado application: every address and its handler."""
    given = {"run": run, "site": site}
    return Application(
        [*run_routes(run, site), (FILES, FileHandler, given)],
        default_handler_class=Nowhere,
        default_handler_args=given,
        **OPTIONS,
    )
