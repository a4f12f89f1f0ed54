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
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from device import __version__
from device.bundle.label_formats import UNUSED
from device.bundle.labels import BACKGROUND
from device.bundle.model import Model
from device.cameras.base import CameraLoss
from device.cameras.url import redact
from device.drawing.palette import class_colour, hex_colour
from device.errors import LiteberryError
from device.inference.autotune import state_file
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.system.board import (
    State,
    read_board,
    read_memory,
    read_state,
    throttled_now,
    throttled_since_boot,
)
from device.system.closable import Closable
from device.system.resource_usage import rss_mb
from device.web.address import Address
from device.web.connections import BoundedServer
from device.web.endpoint import Endpoint
from device.web.feed import PageFeed
from device.web.frame_encoder import EncodedFrame
from device.web.handlers import make_application, run_routes
from device.web.messages import Messages, MessageTest
from device.web.request import MAX_BODY_BYTES, Run

if TYPE_CHECKING:
    from tornado.web import Application

    from device.pipeline.scene_editor import SceneEditor
    from device.web.cameras import CameraView
    from device.web.past import Past

TICK_S = 1.0
NO_PATH = r"\W+"  # what the name of a camera has that an address has not
STATE_AGE_S = 2.0  # asking a Pi how it is doing starts a process
HEADER_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 10.0
BUNDLE_DIGITS = 12  # of a bundle's sha256, to tell it from others
CLOSE_TIMEOUT_S = 1.5  # for the server to end, such as one that loads a variant


class _BoardState:
    """The state of the board, read no more often than it changes."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._read_at_s = 0.0

    async def read(self) -> State:
        """As of the last two seconds."""
        if self._state is None or time.monotonic() - self._read_at_s > STATE_AGE_S:
            self._state = await asyncio.to_thread(read_state)
            self._read_at_s = time.monotonic()
        return self._state


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
        self._board = _BoardState()
        self._ended = asyncio.Event()
        self._failure: str | None = None  # what ended the run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(
        self,
        pipeline: Pipeline,
        controls: Controls,
        about: Mapping[str, object],
        past: Past | None = None,
        editor: SceneEditor | None = None,
        messages: Messages | None = None,
    ) -> None:
        """Begin to answer; ``about`` is what viewers are told of the run once.

        ``past`` is what the run keeps of its visits, if it does; ``editor`` is of its zones;
        ``messages`` is what sends those to phones.
        """
        run = self.make_run(self.feed, pipeline, controls, about, past, editor, messages)
        self._runs.append(run)
        self._begin(make_application(run), run.health)
        self._start_feed(self.feed)

    def start_views(self, names: Sequence[str]) -> Sequence[CameraView]:
        """Begin to answer for several cameras, each of which is started when it is there."""
        from device.web.cameras import CameraView, CameraViews
        from device.web.cameras_handlers import make_cameras_application

        paths = [f"/cameras/{quote(re.sub(NO_PATH, '-', name), safe='')}" for name in names]
        self._views = [
            CameraView(self, name, path, self._fps) for name, path in zip(names, paths, strict=True)
        ]
        views = CameraViews(self.endpoint.access, self._views)
        self._begin(make_cameras_application(views, self._board.read), views.health)
        return self._views

    def add(self, view: CameraView) -> None:
        """Answer for a camera that has come, from now on; for any thread."""
        assert self._loop is not None
        self._start_feed(view.feed)
        self._loop.call_soon_threadsafe(self._add, view)

    def _add(self, view: CameraView) -> None:
        assert self._application is not None
        assert view.run is not None
        self._application.add_handlers(".*", run_routes(view.run, re.escape(view.path)))
        self._runs.append(view.run)

    def make_run(
        self,
        feed: PageFeed,
        pipeline: Pipeline,
        controls: Controls,
        about: Mapping[str, object],
        past: Past | None,
        editor: SceneEditor | None,
        messages: Messages | None,
    ) -> Run:
        """A run as this page's handlers need it."""
        return Run(
            self.endpoint.access,
            feed.audience,
            feed.history,
            pipeline,
            controls,
            about,
            self._board.read,
            past,
            editor,
            None if messages is None else MessageTest(messages),
        )

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
        audience, history = run.audience, run.history
        second = history.end_second()
        if not audience.viewers:
            return
        state, memory = await run.read_state(), read_memory()
        news = {
            **msgspec.structs.asdict(second),
            "ailment": history.ailment(),
            "loss": _told(run.pipeline.loss),
            "frames": history.frames,
            "dropped": run.pipeline.dropped,
            "viewers": len(audience.viewers),
            "rss_mb": round(rss_mb(), 1),
            "cpu_percent": round(run.pipeline.load.cpu_percent, 1),
            "memory_total_mib": memory.total_mib,
            "memory_available_mib": memory.available_mib,
            "temperature_c": state.temperature_c,
            "throttled": None if state.throttled is None else throttled_now(state.throttled),
            "throttled_before": throttled_since_boot(state.throttled or 0),
        }
        audience.tell("second", msgspec.json.encode(news))


def _told(loss: CameraLoss | None) -> dict[str, object] | None:
    if loss is None:
        return None
    for_s = round(time.monotonic() - loss.at_s, 1)
    return {"cause": loss.cause, "advice": loss.advice, "for_s": for_s}


def describe(
    bundle: Model, source: str, name: str = "", variants: Sequence[str] | None = None
) -> dict[str, object]:
    """The description of a run of ``bundle`` on ``source``, as viewers get it.

    ``variants`` are those that it can change to; None means all.
    """
    manifest, board = bundle.manifest, read_board()
    return {
        "name": name,
        "version": __version__,
        "model": manifest.model,
        "bundle": bundle.sha256[:BUNDLE_DIGITS],
        "task": manifest.task,
        "source": redact(source) if "://" in source else Path(source).name,
        "board": board.title,
        "cores": board.cpu.cores,
        "variants": {
            name: item.size_bytes
            for name, item in manifest.variants.items()
            if variants is None or name in variants
        },
        "labels": {
            label: hex_colour(class_colour(class_id))
            for class_id, label in enumerate(bundle.labels)
            if label not in (UNUSED, BACKGROUND)
        },
    }
