"""A camera's part of ``detect``: its source, outputs, scene and pipeline, as flags ask for them."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from device.commands.detect_flags import camera_options
from device.commands.home_flags import describe_device, open_home, open_notifier
from device.commands.live_page import announce_page, start_page
from device.commands.scene_flags import (
    open_editor,
    open_mask,
    open_watch,
    read_scene_plan,
    scene_tables,
)
from device.errors import UsageError
from device.system.console import say
from device.system.signals import children_begin_with_defaults

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.cameras.base import Camera
    from device.home.notifier import NotifySink
    from device.home.sink import HomeSink
    from device.inference.engine import Engine
    from device.outputs.base import Sink
    from device.outputs.options import OutputOptions
    from device.outputs.systemd import Watchdog
    from device.pipeline.inference_thread import InferenceThread
    from device.pipeline.pipeline import Pipeline
    from device.visits.plan import ScenePlan
    from device.web.cameras import CameraView
    from device.web.server import LivePage


@dataclass(frozen=True)
class CameraSetup:
    """What is asked of a camera, checked before anything is opened."""

    args: argparse.Namespace
    outputs: OutputOptions
    tables: dict[str, list[object]]  # of its scene
    plan: ScenePlan | None
    home: HomeSink | None


@dataclass(frozen=True)
class RunParts:
    """What a run has once, however many cameras it has."""

    model: Model
    engine: Engine
    make_engine: Callable[[str], Engine]
    stop: threading.Event  # ends the run; of several cameras, this one's part of it
    last_wishes: list[Callable[[], object]]  # before the process is ended by force
    page: LivePage | None
    watchdog: Watchdog | None
    inference: InferenceThread | None = None  # where cameras share it
    view: CameraView | None = None  # this camera's part of the page then

    @property
    def variants(self) -> list[str]:
        """Those that the run can change to: none where cameras share the one that is loaded."""
        return [self.engine.variant] if self.inference else list(self.model.manifest.variants)


def set_up_camera(args: argparse.Namespace, outputs: OutputOptions, model: Model) -> CameraSetup:
    """The set-up that the flags ask for. Raises ``UsageError``."""
    from device.bundle.labels import class_ids

    tables = scene_tables(args)
    plan = read_scene_plan(args, tables, model)
    class_ids((*(args.classes or ()), *outputs.on), model.labels)  # are there such?
    if args.classes and not set(outputs.on) <= set(args.classes):
        raise UsageError("--on has a class that --classes leaves out: it would never be seen")
    return CameraSetup(args, outputs, tables, plan, open_home(args, model))


def open_camera_run(
    setup: CameraSetup, parts: RunParts, stack: contextlib.ExitStack
) -> Pipeline | None:
    """The pipeline of a camera; all that it holds open is closed by ``stack``.

    None where it was told to end before its camera came.
    """
    from device.drawing.parts import parts_for
    from device.outputs.options import check_single_image
    from device.pipeline.motion import MotionDetector
    from device.pipeline.pipeline import Pipeline

    args, outputs, plan = setup.args, setup.outputs, setup.plan
    engine = _engine_for(args, parts)
    camera = _open_camera(args, parts)
    if camera is None:
        return None
    stack.enter_context(camera)
    check_single_image(outputs, args.source, camera.length)
    watch = open_watch(args, outputs, plan, parts.model, camera)
    sinks = _open_sinks(args, outputs, camera, parts, stack)
    if parts.watchdog is not None:
        camera.on_wait = parts.watchdog.wait
        sinks.append(parts.watchdog)
    if (page := parts.view or parts.page) is not None:
        sinks.append(page.feed)
    if setup.home is not None:
        sinks.append(stack.enter_context(setup.home))
    if (notifier := open_notifier(args, parts.model, plan)) is not None:
        sinks.append(stack.enter_context(notifier))
    pipeline = Pipeline(
        camera,
        engine,
        sinks,
        every=args.every,
        motion=MotionDetector() if args.when_moving else None,
        unsure_from=None if outputs.collect is None else outputs.collect_scores[0],
        watch=watch,
        mask=open_mask(plan),
        parts=parts_for(outputs.draw, moving=camera.live or camera.fps is not None),
        inference=parts.inference,
        priority=args.priority,
    )
    stack.callback(lambda: pipeline.engine.close())
    _give_control(setup, parts, pipeline, notifier, has_visits=watch is not None)
    return pipeline


def _engine_for(args: argparse.Namespace, parts: RunParts) -> Engine:
    """The engine of a camera: it finds what is asked of that one."""
    engine = parts.engine
    if parts.inference is not None:
        engine = engine.share()
        if args.threshold is not None:
            engine.threshold = args.threshold
        engine.max_detections = args.max_detections or engine.max_detections
    engine.only(args.classes or ())
    return engine


def _give_control(
    setup: CameraSetup,
    parts: RunParts,
    pipeline: Pipeline,
    notifier: NotifySink | None,
    *,
    has_visits: bool,
) -> None:
    """Let the page and the home show the pipeline and change its settings, where there are any."""
    args, model, home, page = setup.args, parts.model, setup.home, parts.view or parts.page
    if page is None and home is None:
        return
    from device.pipeline.live_settings import Controls

    controls = Controls(pipeline, parts.variants, parts.make_engine, args.classes or ())
    if page is not None:
        editor = open_editor(args, setup.tables, model, pipeline)
        start_page(page, args, model, pipeline, controls, setup.outputs, editor, notifier)
        if page is parts.page and parts.page is not None:  # several are announced together
            announce_page(parts.page)
    if home is not None:
        about = describe_device(
            home.options, model, setup.plan, parts.variants, has_visits=has_visits
        )
        home.start(about, controls)


def _open_camera(args: argparse.Namespace, parts: RunParts) -> Camera | None:
    """The source; a service waits for its camera, and gets None where it ends before that comes."""
    from device.cameras.awaited import await_camera, is_camera
    from device.cameras.open import open_camera

    model, stop = parts.model, parts.stop
    samples = [item.file for item in model.manifest.samples] if args.source == "demo" else []
    connect = partial(
        open_camera,
        args.source,
        [model.file(name) for name in samples],
        say,
        camera_options(args, model.manifest.input),
        stop,
    )
    if parts.watchdog is not None and is_camera(args.source):
        return await_camera(connect, parts.watchdog.wait, stop, say)
    return connect()


def _open_sinks(
    args: argparse.Namespace,
    outputs: OutputOptions,
    camera: Camera,
    parts: RunParts,
    stack: contextlib.ExitStack,
) -> list[Sink]:
    """The sinks asked for, and what guards the run."""
    from device.outputs.open import open_sinks
    from device.outputs.pace import Pace

    if args.run:
        stack.enter_context(children_begin_with_defaults())
    wanted = open_sinks(outputs, Pace.of(camera.fps, live=camera.live), parts.stop)
    # One after another: those that are open are closed if the next cannot be made.
    sinks = [stack.enter_context(sink) for sink in chain(wanted, _guards(args.memory_limit))]
    if (
        camera.length == 1
        and not (outputs.log_is_stdout or outputs.camera)
        and not sys.stdout.closed
    ):
        from device.outputs.findings import FindingsSink

        sinks.insert(0, FindingsSink())  # before the line that says where the drawn one lies
    parts.last_wishes.extend(sink.abort for sink in sinks)
    return sinks


def _guards(memory_limit_mb: int | None) -> Iterator[Sink]:
    if memory_limit_mb is not None:
        from device.outputs.memory_limit import MemoryLimit

        yield MemoryLimit(memory_limit_mb)
