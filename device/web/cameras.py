"""The page of several cameras: a tile for each, below which each has the page of one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

import msgspec

from device.web.feed import PageFeed
from device.web.run import Run


class CameraTile(msgspec.Struct, frozen=True):
    """What the page shows of a camera."""

    name: str
    link: str
    health: str  # asking (not there yet), ok, lost (the camera), stalled (no frames), off (ended)
    why: str  # in words, of what is not well
    fps: float | None


class ViewServer(Protocol):
    """The server that answers for views."""

    def add(self, view: CameraView) -> None:
        """Answer for a camera that has come, from now on."""


class CameraView:
    """A camera's part of the page: its feed, and its run once that is there."""

    def __init__(self, page: ViewServer, name: str, path: str, fps: float) -> None:
        """``path`` is where its page is, such as ``/cameras/door``."""
        self._page = page
        self.name = name
        self.path = path
        self.feed = PageFeed(fps)
        self.run: Run | None = None
        self.ended: str | None = None  # why

    def start(self, run: Run) -> None:
        """Begin to answer for a run, which is there from now on; for any thread."""
        self.run = replace(run, about={**run.about, "several": True})
        self._page.add(self)

    def end(self, why: str | None) -> None:
        """Note that it has ended; ``why`` where it failed. Its page stays, with what it was."""
        self.ended = why or "its source has ended"
        self.feed.close()

    def tile(self) -> CameraTile:
        """How it is."""
        health, why, run = "ok", "", self.run
        if self.ended is not None:
            health, why = "off", self.ended
        elif run is None or not run.history.frames:
            health, why = "asking", "waiting for its first picture"
        elif (ailment := run.ailment()) is not None:
            health, why = ("stalled" if run.pipeline.loss is None else "lost"), ailment
        fps = None if run is None or health != "ok" else round(run.pipeline.rate.recent_fps, 2)
        return CameraTile(self.name, f"{self.path}/", health, why, fps)


class CameraViews:
    """All cameras of a run, as the page has them."""

    def __init__(self, views: Sequence[CameraView]) -> None:
        self.views = views

    def tiles(self) -> list[CameraTile]:
        """A tile for each, in the order of the settings."""
        return [view.tile() for view in self.views]

    def runs(self) -> dict[str, Run]:
        """Those that are there, by name."""
        return {view.name: view.run for view in self.views if view.run is not None}

    def health(self) -> tuple[int, bytes]:
        """The status and JSON for whoever restarts the run: failing where no camera is well."""
        tiles = self.tiles()
        well = [tile for tile in tiles if tile.health == "ok"]
        status = "ok" if len(well) == len(tiles) else "partial" if well else "failing"
        # Anybody may ask: what ended one may name files of the account.
        cameras = {t.name: "ended" if t.health == "off" else t.why or "ok" for t in tiles}
        content = msgspec.json.encode({"status": status, "cameras": cameras}) + b"\n"
        return (HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE), content
