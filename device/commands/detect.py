"""The command ``detect``: a run as its flags ask for it."""

from __future__ import annotations

import argparse
import contextlib
import os
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from device.commands.camera_run import CameraSetup, RunParts, open_camera_run, set_up_camera
from device.commands.camera_tables import CAMERA, cameras_of
from device.commands.detect_flags import add_detect_flags
from device.commands.engine_choice import announce_engine, make_engine
from device.commands.live_page import open_page
from device.commands.model_flags import hints_of, open_bundle
from device.commands.output_flags import outputs_of
from device.commands.progress import FrameProgress
from device.commands.runner import Commands, HelpText, debug_flag
from device.commands.scene_flags import TABLES
from device.errors import UsageError
from device.system.console import say, show

if TYPE_CHECKING:
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
    detect.add_config((*TABLES, CAMERA), {CAMERA: "source"})
    debug_flag(detect)
    detect.set_defaults(handler=run_detect, parser=detect)


def run_detect(args: argparse.Namespace) -> None:
    """Run ``device detect``."""
    prepare_process()
    from device.system.shutdown import GracefulShutdown

    cameras = cameras_of(args, args.parser)
    with contextlib.ExitStack() as stack:
        shutdown = stack.enter_context(GracefulShutdown())
        setups, parts = _open_run(args, cameras, shutdown, stack)
        if parts.inference is None:
            _run_one(setups[0], parts, stack)
        else:
            from device.commands.several_cameras import run_several

            run_several(setups, parts)


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
    args: argparse.Namespace,
    cameras: Sequence[argparse.Namespace],
    shutdown: GracefulShutdown,
    stack: contextlib.ExitStack,
) -> tuple[list[CameraSetup], RunParts]:
    """What is asked of each camera, and what they share; closed by ``stack``."""
    from device.outputs.options import check_outputs

    if args.token is not None and not args.serve:
        raise UsageError("--token is for the live page: add --serve HOST:PORT")
    wanted = [(camera, outputs_of(camera)) for camera in cameras]
    for camera, outputs in wanted:
        check_outputs(outputs, camera.source, args.bundle)
    model = open_bundle(args.bundle, hints_of(args), args.interpreter, args.delegate, say)
    setups = [set_up_camera(camera, outputs, model) for camera, outputs in wanted]
    page = stack.enter_context(open_page(args)) if args.serve else None
    make = partial(make_engine, args, model)
    engine = make(args.variant or model.default_variant)
    announce_engine(engine, model)
    watchdog = _open_watchdog(stack)
    inference = None
    if setups[0].outputs.camera:  # they have names, and share it
        from device.pipeline.inference_thread import InferenceThread

        inference = stack.enter_context(InferenceThread())
        if watchdog is not None:
            watchdog.is_shared = True
    return setups, RunParts(
        model, engine, make, shutdown.stop, shutdown.last_wishes, page, watchdog, inference
    )


def _run_one(setup: CameraSetup, parts: RunParts, stack: contextlib.ExitStack) -> None:
    """Run a camera that has the network to itself, until it or the run ends."""
    from device.system.memory_trim import forget_startup

    pipeline = open_camera_run(setup, parts, stack)
    if pipeline is None:  # told to end before its camera came
        return
    if pipeline.length != 1:  # one picture is over before memory is missed
        forget_startup(parts.engine.model)
    _execute(pipeline, setup.args.frames, parts.stop, quiet=setup.outputs.log_is_stdout)


def _execute(pipeline: Pipeline, limit: int | None, stop: threading.Event, quiet: bool) -> None:
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


def _open_watchdog(stack: contextlib.ExitStack) -> Watchdog | None:
    """The one of systemd, where it is that which started this run."""
    if "NOTIFY_SOCKET" not in os.environ:
        return None
    from device.outputs.systemd import Watchdog

    # Not for children: a command that --run starts is not the service.
    return stack.enter_context(Watchdog(os.environ.pop("NOTIFY_SOCKET")))
