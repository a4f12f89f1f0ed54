"""The commands of the device: ``python -m device detect`` and ``info``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from device import __version__
from device.command import count, run_command, say, seed, threads

if TYPE_CHECKING:
    from device.pipeline import Pipeline

DETECT_EXAMPLES = """examples:
  python -m device detect build/ssdlite_mobilenet_v2 --source demo --frames 300 --output demo.mp4
  python -m device detect build/ssdlite_mobilenet_v2 --source holiday.mp4 --log found.jsonl
  python -m device detect build/ssdlite_mobilenet_v2 --source photos/ --output annotated/
"""


def _probability(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0 and at most 1")
    return value


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m device",
        description="Run a liteberry bundle on this machine: no TensorFlow needed.",
    )
    parser.add_argument("--version", action="version", version=f"liteberry {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    detect = commands.add_parser(
        "detect",
        help="detect objects on a video, pictures or the demo",
        description="Detect objects on every frame of a source; draw, log and count them.",
        epilog=DETECT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    detect.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder made by convert build")
    detect.add_argument(
        "--source",
        required=True,
        metavar="SRC",
        help="a video, a picture, a folder of pictures, or demo: a view that wanders over the "
        "bundle's own pictures without end",
    )
    detect.add_argument("--variant", metavar="V", help="int8, float32, ... (default: int8)")
    detect.add_argument(
        "--interpreter",
        choices=("auto", "litert", "tflite-runtime", "tensorflow"),
        default="auto",
        help="default: auto, the fastest one here that runs the variant",
    )
    detect.add_argument(
        "--threads", type=threads, metavar="N", help="default: one per core, at most 4"
    )
    detect.add_argument(
        "--threshold", type=_probability, metavar="T", help="least score, 0..1 (default: 0.5)"
    )
    detect.add_argument("--frames", type=count, metavar="N", help="stop after N frames")
    detect.add_argument(
        "--output",
        type=Path,
        metavar="FILE|DIR",
        help="annotated video (.mp4, .mkv, .avi; replaced when the new one is complete) or a "
        "folder of pictures",
    )
    detect.add_argument(
        "--log", type=Path, metavar="FILE.jsonl", help="a line of JSON per frame, appended"
    )
    detect.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of the demo's path (default: 0)"
    )
    detect.set_defaults(run=run_detect)

    info = commands.add_parser(
        "info",
        help="what a bundle holds",
        description="Verify every file of a bundle and say what is in it.",
    )
    info.add_argument("bundle", type=Path, metavar="BUNDLE")
    info.set_defaults(run=run_info)

    for command in (detect, info):
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def run_detect(args: argparse.Namespace) -> None:
    """``device detect``."""
    # Imported here: `--help` need not wait for OpenCV.
    from device.bundle import Bundle
    from device.camera import open_camera
    from device.engine import Engine
    from device.pipeline import Pipeline
    from device.sinks import make_sinks, refuse_overwriting

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    bundle = Bundle(args.bundle)
    refuse_overwriting(args.output, args.log, args.source, args.bundle)
    samples = [item.file for item in bundle.manifest.samples] if args.source == "demo" else []
    with contextlib.ExitStack() as stack:
        camera = stack.enter_context(
            open_camera(args.source, [bundle.file(name) for name in samples], say, args.seed)
        )
        engine = stack.enter_context(
            Engine(
                bundle,
                args.variant,
                interpreter=args.interpreter,
                threads=args.threads,
                threshold=args.threshold,
            )
        )
        interpreter = engine.interpreter
        say(
            f"{bundle.manifest.model} {engine.variant} in {interpreter.name} "
            f"{interpreter.version} ({engine.choice}), {interpreter.threads} threads; "
            "Ctrl-C ends the run"
        )
        sinks = [
            stack.enter_context(sink) for sink in make_sinks(args.output, args.log, camera.fps)
        ]
        pipeline = Pipeline(camera, engine, sinks)
        progress = _Progress(args.frames)
        try:
            pipeline.run(args.frames, stop, progress)
        finally:
            progress.close()
            if pipeline.rate.stamps:
                print(pipeline.summary(), flush=True)


class _Progress:
    """A line that is rewritten on a terminal, twice a second; silent elsewhere."""

    INTERVAL_S = 0.5

    def __init__(self, total: int | None) -> None:
        self._total = f" of {total}" if total else ""
        self._next_s = 0.0
        self._shown = sys.stderr.isatty()

    def __call__(self, pipeline: Pipeline) -> None:
        now_s = time.monotonic()
        if self._shown and now_s >= self._next_s:
            self._next_s = now_s + self.INTERVAL_S
            rate = pipeline.rate
            line = f"\r  frame {rate.stamps}{self._total}, {rate.recent_fps:.0f} FPS\x1b[K"
            print(line, end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal at the start of an empty line."""
        if self._next_s:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def run_info(args: argparse.Namespace) -> None:
    """``device info``."""
    from device.bundle import Bundle
    from device.table import format_costs

    bundle = Bundle(args.bundle)
    bundle.verify()
    manifest, origin = bundle.manifest, bundle.manifest.provenance
    rule = manifest.input
    named = [label for label in bundle.labels if label not in ("background", "???")]
    print(f"{manifest.model}: {manifest.task}, {len(named)} classes, {origin.licence}")
    print(f"made {origin.made_at} from {origin.source}")
    print(
        f"input {rule.width}x{rule.height} {rule.colour}, (byte - {rule.mean:g}) / {rule.std:g}, "
        f"{rule.resize}"
    )
    print(f"samples: {', '.join(item.title for item in manifest.samples) or 'none'}")
    print(f"{len(manifest.files)} files, every sha256 as the manifest says")
    print(format_costs(manifest))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 failure, 2 wrong usage."""
    return run_command(make_parser(), argv)
