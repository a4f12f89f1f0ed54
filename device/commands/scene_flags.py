"""The flags of ``detect`` that follow objects, and what watches a scene as they ask for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import positive_float
from device.errors import UsageError
from device.system.console import say

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.cameras.base import Camera
    from device.outputs.options import OutputOptions
    from device.pipeline.pipeline import Pipeline
    from device.pipeline.scene_editor import SceneEditor
    from device.pipeline.watching import Watch
    from device.visits.mask import PrivacyMask
    from device.visits.plan import ScenePlan

DAY_S = 86400.0
TABLES = ("zone", "line", "mask", "rule")  # of the settings file


def add_scene_flags(scene: argparse._ArgumentGroup) -> None:
    """Add the flags to a group of their own."""
    scene.add_argument(
        "--track",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="follow objects from frame to frame, and tell visits; on by itself where --on, "
        "--mqtt-host, --notify or a zone, line or rule of --config needs it",
    )
    scene.add_argument(
        "--per-frame",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="let --on act on every single frame on which a class is found, not on visits",
    )
    scene.add_argument(
        "--visit-frames",
        type=_frames_of,
        default=(3, 5),
        metavar="N,M",
        help="a visit begins when it is found on N of M frames (default: 3,5)",
    )
    scene.add_argument(
        "--visit-end",
        type=positive_float,
        default=5.0,
        metavar="SECONDS",
        help="a visit ends when it was not found for so long (default: 5)",
    )
    scene.add_argument(
        "--visit-parked",
        type=positive_float,
        default=600.0,
        metavar="SECONDS",
        help="and when it has not moved for so long: a parked car is no visitor (default: 600)",
    )
    scene.add_argument(
        "--zones",
        type=Path,
        metavar="FILE.toml",
        help="keep zones, lines and masks in this file, where the live page's editor draws them; "
        "once it is there, they are those and not the ones of --config",
    )
    scene.add_argument(
        "--events",
        type=Path,
        metavar="FILE",
        help="keep visits with their best pictures in this database; python -m device events lists "
        "and exports them",
    )
    scene.add_argument(
        "--events-quota",
        type=positive_float,
        default=500.0,
        metavar="MB",
        help="remove the oldest visits before they take more (default: 500)",
    )
    scene.add_argument(
        "--events-days",
        type=positive_float,
        default=30.0,
        metavar="N",
        help="and those that ended so many days ago (default: 30)",
    )
    scene.add_argument(
        "--counts",
        type=Path,
        metavar="DIR",
        help="keep what zones and lines counted per minute and per hour, as minutes.csv and "
        "hours.csv",
    )


def _frames_of(text: str) -> tuple[int, int]:
    try:
        needed, window = (int(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not two numbers, such as 3,5") from None
    if not 1 <= needed <= window <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not N,M with 1 <= N <= M <= 100")
    return needed, window


def scene_tables(args: argparse.Namespace) -> dict[str, list[object]]:
    """The tables of the scene: of the settings file, its places by those of --zones once there.

    Raises ``UsageError`` where that file cannot be read.
    """
    if args.zones is None:
        return dict(args.tables)
    from device.visits.plan_file import PLACES, read_places

    places = read_places(args.zones)
    if places is None:
        return dict(args.tables)
    if any(name in PLACES for name in args.tables):
        say(f"zones, lines and masks are those of {args.zones}, not those of {args.config}")
    return {**{name: args.tables[name] for name in args.tables if name not in PLACES}, **places}


def read_scene_plan(
    args: argparse.Namespace, tables: dict[str, list[object]], model: Model
) -> ScenePlan | None:
    """The plan in the tables; what cannot be used of it is told. None where there are none."""
    if not tables:
        return None
    from device.visits.plan import read_plan

    is_drawn = args.zones is not None and args.zones.exists()
    file = f"--zones {args.zones}" if is_drawn else f"--config {args.config}"
    try:
        plan, left_out = read_plan(tables, model.labels)
    except UsageError as exc:
        raise UsageError(f"{file}: {exc}") from None
    for line in left_out:
        say(f"{f'--config {args.config}' if line.startswith('rule ') else file}: {line}")
    return plan


def open_mask(plan: ScenePlan | None) -> PrivacyMask | None:
    """What blacks out parts of every frame, where the plan says so."""
    if plan is None or not plan.masks:
        return None
    from device.visits.mask import PrivacyMask

    return PrivacyMask(plan.masks)


def open_editor(
    args: argparse.Namespace, tables: dict[str, list[object]], model: Model, pipeline: Pipeline
) -> SceneEditor | None:
    """The editor of the live page; None in a run without places and without a file for them."""
    if not tables and args.zones is None:
        return None
    from device.pipeline.scene_editor import SceneEditor

    return SceneEditor(pipeline, args.zones, tables, model.labels)


def open_watch(
    args: argparse.Namespace,
    outputs: OutputOptions,
    plan: ScenePlan | None,
    model: Model,
    camera: Camera,
) -> Watch | None:
    """What follows objects, where something asks for it.

    Raises ``UsageError`` where it was asked for in words, and cannot be.
    """
    given = (args.zones, args.events, args.counts)
    asked_for = args.track or bool(plan) or any(file is not None for file in given)
    wanted = outputs.on or args.mqtt_host is not None or args.notify
    if not asked_for and (args.per_frame or not wanted):
        return None
    has_time = camera.live or camera.fps is not None
    if model.manifest.task != "detection" or not has_time:
        if asked_for:
            raise UsageError(
                "--track, --events, --counts, --zones, zones, lines and rules need a detector, "
                "and a camera or a video: single pictures have no time between them"
            )
        return None
    from device.outputs.pace import Pace
    from device.pipeline.watching import Watch
    from device.tracking.options import TrackerOptions
    from device.visits.visit import VisitOptions
    from device.visits.watcher import SceneWatcher

    has_places = plan is not None and (plan.zones or plan.lines)
    if args.counts is not None and not has_places and args.zones is None:
        raise UsageError("--counts needs a zone or a line in the file that --config names")
    needed, window = args.visit_frames
    watcher = SceneWatcher(
        plan,
        TrackerOptions(confirmations=needed, window=window),
        VisitOptions(absent_s=args.visit_end, parked_s=args.visit_parked),
    )
    return Watch(watcher, Pace.of(camera.fps, live=camera.live))
