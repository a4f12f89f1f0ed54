"""The live page: the server that shows a run to whoever watches.

It has a thread and an event loop of its own. Of the pipeline's thread it asks no more
than to hand over a frame now and then; with nobody watching, nothing is drawn or encoded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import quote

from device.errors import LiteberryError
from device.inference.autotune import state_file
from device.system.board import read_memory
from device.system.closable import Closable
from device.web.address import Address
from device.web.board_state import BoardState
from device.web.connections import BoundedServer
from device.web.endpoint import Endpoint
from device.web.feed import PageFeed
from device.web.frame_encoder import EncodedFrame
from device.web.handlers import make_application, run_routes
from device.web.request import MAX_BODY_BYTES, Site
from device.web.run import Run

if TYPE_CHECKING:
    from tornado.web import Application

    from device.web.cameras import CameraView

TICK_S = 1.0
NO_PATH = r"\W+"  # what the name of a camera has that an address has not
HEADER_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.5  # for the server to end, such as one that loads a variant


class LivePage(Closable):
    """The server of the live page, from :meth:`start` on; ``feed`` is the run's sink."""

    def __init__(self, address: Address, token: str | None, fps: float) -> None:
        """Bind to ``address`` and show at most ``fps`` pictures a second.

        ``token`` is the endpoint's; without one, one is kept from run to run.

        Raises ``SinkError`` where the address cannot be had, ``UsageError`` for a bad token.
        """
        self.endpoint = Endpoint(address, token, state_file().with_name("token"))
        self._fps = fps
        self.feed = PageFeed(fps)
        self._views: Sequence[CameraView] = ()  # of a run of several cameras
        self._runs: list[Run] = []
        self._application: Application | None = None
        self._site = Site(self.endpoint.access, BoardState().read)
        self._ended = asyncio.Event()
        self._failure: str | None = None  # what ended the run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, run: Run) -> None:
        """Begin to answer for a run."""
        self._runs.append(run)
        self._begin(make_application(run, self._site), run.health)
        self._start_feed(self.feed)

    def start_views(self, names: Sequence[str]) -> Sequence[CameraView]:
        """Begin to answer for several cameras, each of which is started when it is there."""
        from device.web.cameras import CameraView, CameraViews
        from device.web.cameras_handlers import make_cameras_application

        paths = [f"/cameras/{quote(re.sub(NO_PATH, '-', name), safe='')}" for name in names]
        self._views = [
            CameraView(self, name, path, self._fps) for name, path in zip(names, paths, strict=True)
        ]
        views = CameraViews(self._views)
        self._begin(make_cameras_application(views, self._site), views.health)
        return self._views

    def add(self, view: CameraView) -> None:
        """Answer for a camera that has come, from now on; for any thread."""
        assert self._loop is not None
        self._start_feed(view.feed)
        self._loop.call_soon_threadsafe(self._add, view)

    def _add(self, view: CameraView) -> None:
        assert self._application is not None
        assert view.run is not None
        routes = run_routes(view.run, self._site, re.escape(view.path))
        self._application.add_handlers(".*", routes)
        self._runs.append(view.run)

    def _begin(self, application: Application, health: Callable[[], tuple[int, bytes]]) -> None:
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = runner.get_loop()
        self._application = application
        self._thread = threading.Thread(
            target=self._run_server,
            args=(runner, application, health),
            name="live page",
            daemon=True,
        )
        self._thread.start()

    def _start_feed(self, feed: PageFeed) -> None:
        loop = self._loop
        assert loop is not None

        def publish(view: EncodedFrame) -> None:
            loop.call_soon_threadsafe(feed.audience.tell, "frame", view)

        feed.start(publish)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, LiteberryError):
            self._failure = str(error)
        super().__exit__(kind, error, trace)

    def close(self) -> None:
        """End the server, and give the port back."""
        for feed in self._feeds:
            feed.close()
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(CLOSE_TIMEOUT_S)
            self._thread = None
        self.endpoint.close()

    @property
    def _feeds(self) -> list[PageFeed]:
        return [self.feed, *(view.feed for view in self._views)]

    def _run_server(
        self,
        runner: asyncio.Runner,
        application: Application,
        health: Callable[[], tuple[int, bytes]],
    ) -> None:
        # What strangers send amiss is no news for the terminal.
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
        try:
            with runner:
                runner.run(self._serve(application, health))
        finally:
            for feed in self._feeds:
                feed.audience.wants_frame = False

    async def _serve(
        self, application: Application, health: Callable[[], tuple[int, bytes]]
    ) -> None:
        server = BoundedServer(
            application,
            idle_connection_timeout=HEADER_TIMEOUT_S,
            body_timeout=BODY_TIMEOUT_S,
            max_header_size=MAX_BODY_BYTES,
            max_body_size=MAX_BODY_BYTES,
        )
        server.health = health
        server.add_sockets(self.endpoint.sockets)
        try:
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), TICK_S)
                for run in self._runs:
                    await self._end_second(run)
        finally:
            server.stop()
            await asyncio.gather(
                *(run.audience.dismiss(run.goodbye(self._failure)) for run in self._runs)
            )
            await server.close_all_connections()

    async def _end_second(self, run: Run) -> None:
        second = run.history.end_second()
        if run.audience.viewers:
            state, memory = await self._site.read_state(), read_memory()
            run.audience.tell("second", run.second(second, state, memory))
