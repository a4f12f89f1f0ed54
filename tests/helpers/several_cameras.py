"""A run of several cameras with a page, for tests to visit."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from device.bundle.bundle import Bundle
from device.inference.engine import Engine
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.web.address import Address
from device.web.cameras import CameraView
from device.web.run import Run, describe
from device.web.server import LivePage
from tests.helpers.live_page import Scene, Visit


@dataclass
class VisitToSeveral:
    """The page, the view of each camera, and a visit to the first, which alone is there."""

    first: Visit
    views: Sequence[CameraView]


@contextlib.contextmanager
def visit_several(bundle_dir: Path, names: Sequence[str]) -> Iterator[VisitToSeveral]:
    """Run a scene as the first of cameras of these names; the others have not come yet."""
    bundle, stop = Bundle(bundle_dir), threading.Event()
    with (
        Scene(bundle_dir) as scene,
        Engine(bundle, "int8", threads=1) as engine,
        LivePage(Address("127.0.0.1", 0), None, 15) as page,
    ):
        views = page.start_views(names)
        first = views[0]
        pipeline = Pipeline(scene, engine, [first.feed])
        controls = Controls(pipeline, ["int8"], lambda _: engine)
        about = describe(bundle, "demo", names[0], controls.variants)
        first.start(Run(first.feed, pipeline, controls, about))
        thread = threading.Thread(target=pipeline.run, args=(None, stop))
        thread.start()
        try:
            visit = Visit(page, scene, pipeline, lambda: first.feed.encoded)
            visit.until(lambda: pipeline.rate.stamps > 2)
            yield VisitToSeveral(visit, views)
        finally:
            stop.set()
            scene.there.set()
            thread.join()
