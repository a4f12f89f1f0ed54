"""Several cameras in one run of ``detect``: a thread for each, and one network for all."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from device.commands.camera_run import CameraSetup, RunParts, open_camera_run
from device.commands.live_page import announce_page
from device.commands.progress import FrameProgress
from device.errors import LiteberryError
from device.pipeline.pipeline import Pipeline
from device.system.console import say, show
from device.system.memory_trim import forget_startup
from device.system.shutdown import join_all
from device.system.signals import children_begin_with_defaults

if TYPE_CHECKING:
    from device.web.cameras import CameraView

POLL_S = 0.1  # between two looks whether the run is to end
END_S = 4.0  # for all to end after that, videos closed: less than until they are by force


class CameraThread(threading.Thread):
    """A camera's part of the run, from the opening of its source to the end of its outputs.

    What goes wrong ends it alone, is said at once, and is then in ``failure``.
    """

    def __init__(self, setup: CameraSetup, parts: RunParts, view: CameraView | None) -> None:
        # A daemon: one that hangs must not keep the process alive.
        super().__init__(name=setup.args.name, daemon=True)
        self._setup = setup
        self.stop = threading.Event()
        self._parts = replace(parts, stop=self.stop, view=view)
        self._view = view
        self.pipeline: Pipeline | None = None
        self.failure: str | None = None
        self.error: BaseException | None = None  # that nobody raised on purpose

    def run(self) -> None:
        """Open, run and close; never raises."""
        try:
            with contextlib.ExitStack() as stack:
                self.pipeline = open_camera_run(self._setup, self._parts, stack)
                if self.pipeline is not None:
                    forget_startup(self._parts.engine.model)
                    self.pipeline.run(self._setup.args.frames, self.stop)
        except (LiteberryError, OSError) as exc:
            self.failure = str(exc)
            say(f"{self.name} has ended, the others go on: {exc}")
        except BaseException as exc:
            self.failure, self.error = str(exc), exc
        if self._view is not None:
            self._view.end(self.failure)


def run_several(setups: Sequence[CameraSetup], parts: RunParts) -> None:
    """Run all cameras until the last has ended, or the run is to end; then say how each went.

    Raises ``LiteberryError`` where one of them failed, and at once what is a mistake of ours.
    """
    views: Sequence[CameraView | None] = [None] * len(setups)
    if parts.page is not None:
        views = parts.page.start_views([setup.args.name for setup in setups])
        announce_page(parts.page)
    cameras = [CameraThread(setup, parts, view) for setup, view in zip(setups, views, strict=True)]
    progress = FrameProgress(None)
    with contextlib.ExitStack() as stack:
        if any(setup.args.run for setup in setups):
            stack.enter_context(children_begin_with_defaults())
        for camera in cameras:
            camera.start()
        try:
            while any(camera.is_alive() for camera in cameras):
                progress.show_all({c.name: c.pipeline for c in cameras if c.pipeline is not None})
                if any(camera.error for camera in cameras) or parts.stop.wait(POLL_S):
                    break
        finally:
            for camera in cameras:
                camera.stop.set()
            stuck = join_all(list(cameras), END_S)
            progress.close()
    for camera in cameras:
        _tell(camera, quiet=any(setup.outputs.log_is_stdout for setup in setups))
        if camera.error is not None:
            raise camera.error
    if stuck:
        names = ", ".join(thread.name for thread in stuck)
        say(f"{names}: did not stop in time, and is left behind")
    if failed := [camera.name for camera in cameras if camera.failure is not None]:
        raise LiteberryError(
            f"{len(failed)} of {len(cameras)} cameras failed ({', '.join(failed)}): what went "
            "wrong is said above"
        )


def _tell(camera: CameraThread, *, quiet: bool) -> None:
    """The summary of a camera; where standard output is the log's, it is talk."""
    from device.pipeline.summary import summary_of

    if camera.pipeline is not None and camera.pipeline.rate.stamps:
        (say if quiet else show)(f"{camera.name}: {summary_of(camera.pipeline)}")
