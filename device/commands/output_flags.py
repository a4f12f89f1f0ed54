"""The flags of a run's outputs, and the options that they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import comma_list, positive_float
from device.commands.scene_flags import DAY_S
from device.drawing.parts import EVERYTHING, PARTS
from device.suggestions import did_you_mean

if TYPE_CHECKING:
    from device.outputs.options import OutputOptions


def add_output_flags(outputs: argparse._ArgumentGroup) -> None:
    """Add what says what a run is to leave behind."""
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
        "--local-time",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="name segments, clips and collected pictures by this machine's own time, such as "
        "NAME-20261121T153000+0100.mp4 (default: by UTC)",
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


def add_event_flags(events: argparse._ArgumentGroup) -> None:
    """Add what says what is to happen when something is seen."""
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


def add_collecting_flags(collecting: argparse._ArgumentGroup) -> None:
    """Add what says which images are kept to train on."""
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


def outputs_of(args: argparse.Namespace) -> OutputOptions:
    """The output options that the flags ask for."""
    from device.outputs.options import OutputOptions

    def bytes_of(megabytes: float | None) -> int | None:
        return None if megabytes is None else round(megabytes * 1e6)

    return OutputOptions(
        draw=None if args.draw is None else EVERYTHING.intersection(args.draw),
        name=args.name or "",
        camera=getattr(args, "camera", ""),
        output=None if args.output is None else Path(args.output),
        output_is_folder=bool(args.output) and args.output.endswith("/"),
        segment_s=args.segment,
        quota_bytes=bytes_of(args.quota),
        local_time=args.local_time,
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
