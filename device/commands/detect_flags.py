"""The flags of ``detect``, and the options that they stand for."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import (
    comma_list,
    non_negative_int,
    number,
    positive_float,
    positive_int,
    size_wh,
    thread_count,
)
from device.commands.home_flags import add_home_flags, add_notify_flags
from device.commands.model_flags import add_model_flags
from device.commands.scene_flags import DAY_S, add_scene_flags
from device.drawing.parts import EVERYTHING, PARTS
from device.runtimes import PREFERENCE
from device.suggestions import did_you_mean
from device.web.address import parse_address

if TYPE_CHECKING:
    from device.bundle.manifest import InputRule
    from device.cameras.base import CameraOptions
    from device.outputs.options import OutputOptions

LONGEST_NAME = 40  # characters of a run's: file names have it, and a phone's header


def add_detect_flags(detect: argparse.ArgumentParser) -> None:
    """Add every flag of ``detect`` to its parser."""
    detect.add_argument(
        "bundle",
        type=Path,
        nargs="?",
        metavar="BUNDLE|MODEL.tflite",
        help="folder made by convert build, or a model of your own",
    )
    detect.add_argument(
        "--source",
        required=True,
        metavar="SRC",
        help="picamera, the number of a USB camera, an rtsp:// or http:// address, a video, a "
        "picture, a folder of pictures, a pattern in quotes ('photos/*.jpg'), or demo: a view that "
        "wanders over the bundle's own "
        "pictures without end",
    )
    detect.add_argument("--variant", metavar="V", help="int8, float32, ... (default: int8)")
    detect.add_argument(
        "--interpreter",
        choices=("auto", *PREFERENCE),
        default="auto",
        help="default: auto, the fastest one here that runs the variant",
    )
    detect.add_argument(
        "--threads", type=thread_count, metavar="N", help="default: one per core, at most 4"
    )
    detect.add_argument(
        "--threshold", type=_probability, metavar="T", help="least score, 0..1 (default: 0.5)"
    )
    detect.add_argument(
        "--classes",
        type=comma_list,
        metavar="A,B",
        help="detect these only (default: all it knows)",
    )
    detect.add_argument(
        "--max-detections",
        type=positive_int,
        metavar="N",
        help="at most so many a frame (default: 100)",
    )
    detect.add_argument(
        "--every",
        type=positive_int,
        default=1,
        metavar="N",
        help="run the network on every N-th frame; the others keep its detections",
    )
    detect.add_argument(
        "--when-moving",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="run the network only while the picture changes: keeps a Pi cool",
    )
    detect.add_argument(
        "--memory-limit", type=positive_int, metavar="MB", help="end the run when it takes more"
    )
    detect.add_argument("--frames", type=positive_int, metavar="N", help="stop after N frames")
    detect.add_argument(
        "--name",
        type=_run_name,
        metavar="NAME",
        help="what this run is called: on the page, in events, metrics and the names of clips",
    )
    detect.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="of the demo's path (default: 0)",
    )
    _add_camera(detect.add_argument_group("camera"))
    _add_outputs(detect.add_argument_group("outputs"))
    _add_events(detect.add_argument_group("events"))
    add_home_flags(detect.add_argument_group("home"))
    add_notify_flags(detect.add_argument_group("messages"))
    add_scene_flags(detect.add_argument_group("visits"))
    _add_collecting(detect.add_argument_group("images to train on"))
    _add_page(detect.add_argument_group("live page"))
    add_model_flags(detect)


def _run_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: 1 to {LONGEST_NAME} letters, digits, spaces and signs"
        )
    return name


def _probability(text: str) -> float:
    value = number(text)
    if not 0 < value <= 1:
        meant = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1{meant}")
    return value


def _seconds(text: str) -> float:
    value = number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return value


def _add_camera(camera: argparse._ArgumentGroup) -> None:
    camera.add_argument(
        "--size",
        type=size_wh,
        metavar="WxH",
        help="what to ask of picamera, a USB camera or the demo (default: 640x480)",
    )
    camera.add_argument(
        "--fps",
        type=positive_float,
        metavar="N",
        help="frames per second to ask of picamera or a USB camera, or of a file that does not "
        "tell (.h264, .mjpeg; default there: 25)",
    )
    camera.add_argument(
        "--rotate",
        type=int,
        choices=(0, 90, 180, 270),
        default=0,
        help="turn frames clockwise by so many degrees",
    )
    camera.add_argument(
        "--flip",
        choices=("horizontal", "vertical", "both"),
        help="mirror frames, after turning them; horizontal: left becomes right",
    )
    camera.add_argument(
        "--give-up",
        type=_seconds,
        metavar="SECONDS",
        help="end when a camera that worked is gone that long (default: try until it is back)",
    )
    camera.add_argument(
        "--frozen",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="take a camera for gone when its picture stays the same, to the last bit, or none "
        "comes, for so long; 0: never (default: 10)",
    )


def camera_options(args: argparse.Namespace, rule: InputRule) -> CameraOptions:
    """The camera options that the flags ask for; ``rule`` sizes the lores stream."""
    from device.cameras.base import CameraOptions

    return CameraOptions(
        size_wh=args.size,
        fps=args.fps,
        rotate=args.rotate,
        flip=args.flip,
        give_up_s=args.give_up,
        frozen_s=args.frozen,
        # A part of the view that keeps its shape has to be cut from the whole frame.
        lores_wh=(rule.width, rule.height) if rule.resize == "stretch" else None,
        seed=args.seed,
        paced=args.serve is not None,
    )


def _add_outputs(outputs: argparse._ArgumentGroup) -> None:
    outputs.add_argument(
        "--output",
        metavar="FILE|DIR",
        help="annotated video (.mp4, .mkv, .avi; replaced when the new one is complete), a folder "
        "of pictures (with / behind it also where its name has a dot), or of one picture another "
        "(.jpg, .png)",
    )
    outputs.add_argument(
        "--segment",
        type=positive_float,
        metavar="SECONDS",
        help="part the video into files of this length, NAME-20261121T143000Z.mp4",
    )
    outputs.add_argument(
        "--quota",
        type=positive_float,
        metavar="MB",
        help="remove the oldest segments, clips or pictures before each kind takes more",
    )
    outputs.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="a line of JSON per frame, or of a .csv a row per detection; appended; - writes the "
        "lines to standard output",
    )
    outputs.add_argument(
        "--log-size",
        type=positive_float,
        metavar="MB",
        help="go on in a new log when it is this large; the five before are kept",
    )
    outputs.add_argument(
        "--draw",
        type=_drawn_parts,
        metavar="A,B",
        help=f"what is drawn: of {', '.join(PARTS)} as many as wanted, or none (default: all, on "
        "pictures all but the status)",
    )
    outputs.add_argument(
        "--display",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="show the annotated frames in a window; q or closing it ends the run",
    )


def _drawn_parts(text: str) -> list[str]:
    names = comma_list(text)
    for name in names:
        if name not in PARTS and names != ["none"]:
            known = f"{', '.join(PARTS)}, or none alone, are expected"
            raise argparse.ArgumentTypeError(
                f"{name!r} is no part of a drawing: {known}{did_you_mean(name, PARTS)}"
            )
    return names


def _add_events(events: argparse._ArgumentGroup) -> None:
    events.add_argument(
        "--on", type=comma_list, metavar="A,B", help="when one of these classes comes:"
    )
    events.add_argument(
        "--record",
        type=positive_float,
        metavar="SECONDS",
        help="keep a clip, from a little before until this long after it was last seen",
    )
    events.add_argument(
        "--clips",
        type=Path,
        default=Path("clips"),
        metavar="DIR",
        help="where clips are kept (default: clips)",
    )
    events.add_argument(
        "--run",
        metavar="COMMAND",
        help="call this for each visit, and when a rule of --config begins or ends, with the event "
        "as JSON on its standard input",
    )
    events.add_argument(
        "--cooldown",
        type=positive_float,
        default=30.0,
        metavar="SECONDS",
        help="at most one call in this time (default: 30)",
    )


def _add_collecting(collecting: argparse._ArgumentGroup) -> None:
    collecting.add_argument(
        "--collect",
        type=Path,
        metavar="DIR",
        help="keep frames that would teach the network most, without boxes: it is unsure of "
        "something, misses it for a moment, or rarely saw the class; never one scene twice",
    )
    collecting.add_argument(
        "--collect-scores",
        type=_score_range,
        default=(0.3, 0.6),
        metavar="LOW,HIGH",
        help="between which scores it is unsure (default: 0.3,0.6)",
    )
    collecting.add_argument(
        "--collect-every",
        type=positive_float,
        default=10.0,
        metavar="SECONDS",
        help="keep at most one in this time (default: 10)",
    )
    collecting.add_argument(
        "--collect-quota",
        type=positive_float,
        default=200.0,
        metavar="MB",
        help="keep no more than this; none is removed (default: 200)",
    )


def _score_range(text: str) -> tuple[float, float]:
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not two scores, such as 0.3,0.6") from None
    if not 0 < low < high <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not LOW,HIGH with 0 < LOW < HIGH <= 1")
    return low, high


def _add_page(page: argparse._ArgumentGroup) -> None:
    page.add_argument(
        "--serve",
        type=parse_address,
        metavar="HOST:PORT",
        help="show the run in a browser; a port alone: on this machine only, 0.0.0.0:8080: to all "
        "who have the link that is printed",
    )
    page.add_argument(
        "--serve-fps",
        type=positive_float,
        default=12.0,
        metavar="N",
        help="show at most so many pictures a second (default: 12)",
    )
    page.add_argument(
        "--token",
        metavar="T",
        help="what the link has to hold (default: the variable LITEBERRY_TOKEN; else, where others "
        "can reach the page, one that is made and kept)",
    )


def outputs_of(args: argparse.Namespace) -> OutputOptions:
    """The output options that the flags ask for."""
    from device.outputs.options import OutputOptions

    def bytes_of(megabytes: float | None) -> int | None:
        return None if megabytes is None else round(megabytes * 1e6)

    return OutputOptions(
        draw=None if args.draw is None else EVERYTHING.intersection(args.draw),
        name=args.name or "",
        output=None if args.output is None else Path(args.output),
        output_is_folder=bool(args.output) and args.output.endswith("/"),
        segment_s=args.segment,
        quota_bytes=bytes_of(args.quota),
        log=args.log,
        log_size_bytes=bytes_of(args.log_size),
        display=args.display,
        on=args.on or (),
        record_s=args.record,
        clips=args.clips,
        run=args.run,
        cooldown_s=args.cooldown,
        has_rules="rule" in args.tables,
        counts=args.counts,
        events=args.events,
        events_quota_bytes=round(args.events_quota * 1e6),
        events_age_s=args.events_days * DAY_S,
        collect=args.collect,
        collect_scores=args.collect_scores,
        collect_every_s=args.collect_every,
        collect_quota_bytes=round(args.collect_quota * 1e6),
    )
