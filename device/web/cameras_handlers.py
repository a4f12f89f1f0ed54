"""Request handlers of the page of several cameras: the tiles, and figures of all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tornado.web import Application

from device.system.board import State
from device.web.cameras import CameraViews
from device.web.guard import GuardedHandler, PageHandler
from device.web.handlers import FILES, OPTIONS, FileHandler, HealthHandler, Nowhere


class _CamerasHandler(GuardedHandler):
    def initialize(self, views: CameraViews, read_state: Callable[[], Awaitable[State]]) -> None:
        self.views = views
        self.access = views.access
        self.read_state = read_state


class _Page(PageHandler, _CamerasHandler):
    """The page of all cameras."""

    file = "cameras.html"


class _Tiles(_CamerasHandler):
    """The tiles, which the page asks for every few seconds."""

    def get(self) -> None:
        self.answer(self.views.tiles())


class _Metrics(_CamerasHandler):
    """The metrics of all cameras, for Prometheus."""

    async def get(self) -> None:
        # Imported here: without Prometheus nobody pays for it.
        from prometheus_client import CONTENT_TYPE_LATEST

        from device.web.prometheus import exposition_of_several

        state = await self.read_state()
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(exposition_of_several(self.views.runs(), state))


def make_cameras_application(
    views: CameraViews, read_state: Callable[[], Awaitable[State]]
) -> Application:
    """The Tornado application of several cameras, to which each adds its own addresses."""
    given = {"views": views, "read_state": read_state}
    shared = {"run": views}
    return Application(
        [
            (r"/", _Page, given),
            (FILES, FileHandler, shared),
            (r"/api/cameras", _Tiles, given),
            (r"/metrics", _Metrics, given),
            (r"/healthz", HealthHandler, shared),
        ],
        default_handler_class=Nowhere,
        default_handler_args=shared,
        **OPTIONS,
    )
