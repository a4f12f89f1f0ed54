"""Request handlers of the page of several cameras: the tiles, and figures of all."""

from __future__ import annotations

from tornado.web import Application

from device.web.cameras import CameraViews
from device.web.guard import GuardedHandler, PageHandler
from device.web.handlers import FILES, OPTIONS, FileHandler, HealthHandler, Nowhere
from device.web.request import Site


class _CamerasHandler(GuardedHandler):
    def initialize(self, run: CameraViews, site: Site) -> None:
        self.views = run
        self.site = site
        self.access = site.access


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

        state = await self.site.read_state()
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(exposition_of_several(self.views.runs(), state))


def make_cameras_application(views: CameraViews, site: Site) -> Application:
    """The Tornado application of several cameras, to which each adds its own addresses."""
    given = {"run": views, "site": site}
    return Application(
        [
            (r"/", _Page, given),
            (FILES, FileHandler, given),
            (r"/api/cameras", _Tiles, given),
            (r"/metrics", _Metrics, given),
            (r"/healthz", HealthHandler, given),
        ],
        default_handler_class=Nowhere,
        default_handler_args=given,
        **OPTIONS,
    )
