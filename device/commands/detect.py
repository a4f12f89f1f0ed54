"""The command ``detect``: a run as its flags ask for it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from device.commands.detect_flags import add_detect_flags, camera_options
from device.commands.home_flags import describe_device, open_home, open_notifier
from device.commands.live_page import open_page, start_page
from device.commands.model_flags import hints_of, open_bundle
from device.commands.output_flags import outputs_of
from device.commands.progress import FrameProgress
from device.commands.runner import Commands, HelpText, debug_flag
from device.commands.scene_flags import (
    TABLES,
    open_editor,
    open_mask,
    open_watch,
    read_scene_plan,
    scene_tables,
)
from device.errors import UsageError
from device.system.console import count_of, say, show
from device.system.signals import children_begin_with_defaults, is_ignored

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.cameras.base import Camera
    from device.inference.engine import Engine
    from device.outputs.base import Sink
    from device.outputs.options import OutputOptions
    from device.outputs.systemd import Watchdog
    from device.pipeline.pipeline import Pipeline
    from device.system.shutdown import GracefulShutdown

EXAMPLES = """examples:
  python -m device detect build/ssdlite_mobilenet_v2 --source demo --frames 300 --output demo.mp4
  python -m device detect build/ssdlite_mobilenet_v2 --source holiday.mp4 --log found.jsonl
  python -m device detect build/ssdlite_mobilenet_v2 --source photos/ --output annotated/
  python -m device detect detect.tflite --labels labelmap.txt --source photos/ --output annotated/
  python -m device detect build/ssdlite_mobilenet_v2 --source picamera --rotate 180 --log seen.csv
  python -m device detect build/ssdlite_mobilenet_v2 --source picamera --serve 0.0.0.0:8080
"""


def add_detect(commands: Commands) -> None:
    """Add the command to the parser."""
    detect = commands.add_parser(
        "detect",
        help="detect objects on a camera, a video, pictures or the demo",
        description="Detect objects on every frame of a source; draw, log and count them.",
        epilog=EXAMPLES,
        formatter_class=HelpText,
    )
    add_detect_flags(detect)
    detect.add_config(TABLES)
    debug_flag(detect)
    detect.set_defaults(handler=run_detect)


def run_detect(args: argparse.Namespace) -> None:
    """Run ``device detect``."""
    prepare_process()
    from device.system.shutdown import GracefulShutdown

    with contextlib.ExitStack() as stack:
        shutdown = stack.enter_context(GracefulShutdown())
        pipeline = _open_run(args, shutdown, stack)
        if pipeline is not None:
            _execute(pipeline, args.frames, shutdown.stop, quiet=outputs_of(args).log_is_stdout)


def prepare_process() -> None:
    """Set what holds for the whole process: before NumPy and OpenCV are used."""
    # NumPy's threads would only be in the interpreter's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from device.image_header import limit_decoders

    limit_decoders()
    # Imported here: `--help` need not wait for OpenCV.
    import cv2

    from device.system.memory_trim import share_one_arena

    share_one_arena()
    cv2.setNumThreads(1)  # what runs beside the interpreter fits on one core


def _open_run(
    args: argparse.Namespace, shutdown: GracefulShutdown, stack: contextlib.ExitStack
) -> Pipeline | None:
    """The run that the flags ask for; all that it holds open is closed by ``stack``.

    None where it was told to end before its camera came.
    """
    from device.drawing.parts import parts_for
    from device.outputs.options import check_outputs, check_single_image
    from device.pipeline.motion import MotionDetector
    from device.pipeline.pipeline import Pipeline
    from device.system.memory_trim import forget_startup

    if args.token is not None and not args.serve:
        raise UsageError("--token is for the live page: add --serve HOST:PORT")
    outputs = outputs_of(args)
    check_outputs(outputs, args.source, args.bundle)
    bundle = open_bundle(args.bundle, hints_of(args), args.interpreter, say)
    tables = scene_tables(args)
    plan = read_scene_plan(args, tables, bundle)
    if args.classes and not set(outputs.on) <= set(args.classes):
        raise UsageError("--on has a class that --classes leaves out: it would never be seen")
    page = stack.enter_context(open_page(args)) if args.serve else None
    home = open_home(args, bundle)
    make_engine = partial(_make_engine, args, bundle)
    engine = _open_engine(args, bundle, outputs, make_engine)
    watchdog = _open_watchdog(stack)
    camera = _open_camera(args, bundle, shutdown.stop, watchdog)
    if camera is None:
        return None
    stack.enter_context(camera)
    check_single_image(outputs, args.source, camera.length)
    watch = open_watch(args, outputs, plan, bundle, camera)
    sinks = _open_sinks(args, outputs, camera, shutdown, stack)
    if watchdog is not None:
        camera.on_wait = watchdog.wait
        sinks.append(watchdog)
    if page is not None:
        sinks.append(page.feed)
    if home is not None:
        sinks.append(stack.enter_context(home))
    if (notifier := open_notifier(args, bundle, plan)) is not None:
        sinks.append(stack.enter_context(notifier))
    motion = MotionDetector() if args.when_moving else None
    unsure_from = None if outputs.collect is None else outputs.collect_scores[0]
    pipeline = Pipeline(
        camera,
        engine,
        sinks,
        every=args.every,
        motion=motion,
        unsure_from=unsure_from,
        watch=watch,
        mask=open_mask(plan),
        parts=parts_for(outputs.draw, moving=camera.live or camera.fps is not None),
    )
    stack.callback(lambda: pipeline.engine.close())
    if page is not None or home is not None:
        from device.pipeline.live_settings import Controls

        controls = Controls(
            pipeline, list(bundle.manifest.variants), make_engine, args.classes or ()
        )
        if page is not None:
            editor = open_editor(args, tables, bundle, pipeline)
            start_page(page, args, bundle, pipeline, controls, outputs, editor, notifier)
        if home is not None:
            about = describe_device(home.options, bundle, plan, has_visits=watch is not None)
            home.start(about, controls)
    if camera.length != 1:  # one picture is over before the memory is missed
        forget_startup(engine.model)
    return pipeline


def _execute(
    pipeline: Pipeline, limit: int | None, stop: threading.Event, quiet: bool = False
) -> None:
    """Run to the end, and say what it was."""
    lengths = [length for length in (limit, pipeline.length) if length]
    progress = FrameProgress(min(lengths, default=None))
    try:
        pipeline.run(limit, stop, progress)
    finally:
        progress.close()
        if pipeline.stuck:
            say(f"the {' and the '.join(pipeline.stuck)} did not stop in time, and is left behind")
        if pipeline.rate.stamps:
            from device.pipeline.summary import summary_of

            # Where standard output is the log's, the summary is talk.
            (say if quiet else show)(summary_of(pipeline))


def _open_camera(
    args: argparse.Namespace, bundle: Model, stop: threading.Event, watchdog: Watchdog | None
) -> Camera | None:
    """The source; a service waits for its camera, and gets None where it ends before that comes."""
    from device.cameras.awaited import await_camera, is_camera
    from device.cameras.open import open_camera

    samples = [item.file for item in bundle.manifest.samples] if args.source == "demo" else []
    connect = partial(
        open_camera,
        args.source,
        [bundle.file(name) for name in samples],
        say,
        camera_options(args, bundle.manifest.input),
        stop,
    )
    if watchdog is not None and is_camera(args.source):
        return await_camera(connect, watchdog.wait, stop, say)
    return connect()


def _open_engine(
    args: argparse.Namespace,
    bundle: Model,
    outputs: OutputOptions,
    make_engine: Callable[[str], Engine],
) -> Engine:
    """The engine of the variant asked for, looking for the classes asked for."""
    from device.bundle.labels import class_ids

    engine = make_engine(args.variant or bundle.default_variant)
    engine.only(args.classes or ())
    class_ids(outputs.on, engine.labels)  # are there such?
    interpreter = engine.interpreter
    say(
        f"{bundle.manifest.model} {engine.variant} in {interpreter.name} "
        f"{interpreter.version} ({engine.choice}), {interpreter.delegate}, "
        f"{count_of(interpreter.threads, 'thread')}; "
        f"{'SIGTERM' if is_ignored(signal.SIGINT) else 'Ctrl-C'} ends the run"
    )
    return engine


def _open_sinks(
    args: argparse.Namespace,
    outputs: OutputOptions,
    camera: Camera,
    shutdown: GracefulShutdown,
    stack: contextlib.ExitStack,
) -> list[Sink]:
    """The sinks asked for, and what guards the run."""
    from device.outputs.open import open_sinks
    from device.outputs.pace import Pace

    if args.run:
        stack.enter_context(children_begin_with_defaults())
    wanted = open_sinks(outputs, Pace.of(camera.fps, live=camera.live), shutdown.stop)
    # One after another: those that are open are closed if the next cannot be made.
    sinks = [stack.enter_context(sink) for sink in chain(wanted, _guards(args.memory_limit))]
    if camera.length == 1 and not outputs.log_is_stdout and not sys.stdout.closed:
        from device.outputs.findings import FindingsSink

        sinks.insert(0, FindingsSink())  # before the line that says where the drawn one lies
    shutdown.last_wishes += [sink.abort for sink in sinks]
    return sinks


def _make_engine(args: argparse.Namespace, bundle: Model, variant: str) -> Engine:
    """The engine of a variant: as asked for, else as ``bench --tune`` found best here."""
    from device.inference.autotune import load_choice, state_file
    from device.inference.engine import Engine

    interpreter, threads, choice = args.interpreter, args.threads, None
    if interpreter == "auto" and threads is None and state_file().is_file():
        from device.system.board import read_board

        choice = load_choice(read_board(), bundle, variant)
        if choice is not None:
            interpreter, threads = choice.interpreter, choice.threads
    make: Callable[..., Engine] = Engine
    if args.tiles is not None:
        from device.inference.tiled_engine import TiledEngine
        from device.inference.tiles import Grid

        make = partial(TiledEngine, grid=Grid(*args.tiles))
    engine = make(
        bundle,
        variant,
        interpreter=interpreter,
        threads=threads,
        threshold=args.threshold,
        max_detections=args.max_detections,
    )
    if choice is not None:
        engine.choice = "by bench --tune"
    return engine


def _guards(memory_limit_mb: int | None) -> Iterator[Sink]:
    if memory_limit_mb is not None:
        from device.outputs.memory_limit import MemoryLimit

        yield MemoryLimit(memory_limit_mb)


def _open_watchdog(stack: contextlib.ExitStack) -> Watchdog | None:
    """The one of systemd, where it is that which started this run."""
    if "NOTIFY_SOCKET" not in os.environ:
        return None
    from device.outputs.systemd import Watchdog

    # Not for children: a command that --run starts is not the service.
    return stack.enter_context(Watchdog(os.environ.pop("NOTIFY_SOCKET")))
