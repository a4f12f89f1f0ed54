"""The flags of ``detect``, and the options that they stand for."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import (
    comma_list,
    detection_count,
    non_negative_int,
    number,
    positive_float,
    positive_int,
    size_wh,
    thread_count,
    tile_grid,
)
from device.commands.config_file import ReplacingAppend
from device.commands.home_flags import add_home_flags, add_notify_flags
from device.commands.model_flags import add_delegate_flag, add_model_flags
from device.commands.output_flags import (
    add_collecting_flags,
    add_event_flags,
    add_output_flags,
)
from device.commands.scene_flags import add_scene_flags
from device.runtimes import PREFERENCE

if TYPE_CHECKING:
    from device.bundle.manifest import InputRule
    from device.cameras.base import CameraOptions
    from device.web.address import Address

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
        action=ReplacingAppend,
        required=True,
        metavar="SRC",
        help="picamera, the number of a USB camera, an rtsp:// or http:// address, a video, a "
        "picture, a folder of either, a pattern in quotes ('photos/*.jpg'), or demo: a view that "
        "wanders over the bundle's own pictures without end; given more than once, cameras take "
        "turns at the network ([[camera]] in a settings file says more of each)",
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
    add_delegate_flag(detect)
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
        type=detection_count,
        metavar="N",
        help="at most so many a frame (default: 100)",
    )
    detect.add_argument(
        "--tiles",
        type=tile_grid,
        metavar="CxR",
        help="look at so many overlapping parts too, beside and below each other, for small things "
        "far away: 2x2 takes five times as long a frame (default: at the whole picture alone)",
    )
    detect.add_argument(
        "--look",
        choices=("whole", "closer"),
        default="whole",
        help="closer: look at a part of each frame too, where something small may be or moves, "
        "else at the one not seen for longest; a frame takes twice as long (default: whole)",
    )
    detect.add_argument(
        "--looks",
        type=positive_int,
        default=1,
        metavar="N",
        help="with --look closer: at N parts of each frame, of six (default: 1)",
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
    add_output_flags(detect.add_argument_group("outputs"))
    add_event_flags(detect.add_argument_group("events"))
    add_home_flags(detect.add_argument_group("home"))
    add_notify_flags(detect.add_argument_group("messages"))
    add_scene_flags(detect.add_argument_group("visits"))
    add_collecting_flags(detect.add_argument_group("images to train on"))
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
    meant = text.strip().replace(",", ".").removesuffix("%")
    if meant != text and re.fullmatch(r"\d*\.?\d+", meant):
        share = float(meant) / 100 if text.endswith("%") else float(meant)
        raise argparse.ArgumentTypeError(f"{text} is not a number; did you mean {share:g}?")
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
        "--priority",
        type=positive_float,
        default=1.0,
        metavar="N",
        help="of several cameras: how much its wait for the network counts (default: 1)",
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


def _address(text: str) -> Address:
    from device.web.address import parse_address  # here: most runs have no page

    return parse_address(text)


def _add_page(page: argparse._ArgumentGroup) -> None:
    page.add_argument(
        "--serve",
        type=_address,
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
