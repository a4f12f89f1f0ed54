"""The cameras of ``detect``: flags of its own for each ``--source`` and each ``[[camera]]`` table.

What stands above the tables holds for all cameras, what stands in one for that alone. What several
would write into one place carries the name of the camera: ``seen.csv`` becomes ``seen-door.csv``.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from device.commands.config_file import ConfigurableParser
from device.commands.scene_flags import TABLES
from device.errors import UsageError
from device.paths import real_path
from device.suggestions import did_you_mean

CAMERA = "camera"  # the name of the tables
# What a table may set; all else is of the run, which has one network, one page and one broker.
SETTINGS = (
    "name", "source", "priority", "classes", "threshold", "max_detections", "every", "when_moving",
    "seed", "size", "fps", "rotate", "flip", "give_up", "frozen", "output", "segment", "quota",
    "local_time", "log", "log_size", "draw", "on", "record", "clips", "run", "cooldown", "track",
    "per_frame", "visit_frames", "visit_end", "visit_parked", "zones", "events", "events_quota",
    "events_days", "counts", "collect", "collect_scores", "collect_every", "collect_quota",
    "mqtt_classes", "notify_on",
)  # fmt: skip
# Of the settings, those that name what is written; clips have the name in that of each file.
WRITTEN = ("output", "log", "counts", "events", "collect", "zones")
STDOUT = "-"
MOST_CAMERAS = 64  # of a run; each has threads and connections of its own


def cameras_of(args: argparse.Namespace, parser: ConfigurableParser) -> list[argparse.Namespace]:
    """The flags of each camera; of one alone, ``args`` with its source.

    Raises ``UsageError`` for what cannot be meant of several.
    """
    tables = args.tables.get(CAMERA)
    if tables is None and len(args.source) == 1:
        return [_with(args, source=args.source[0])]
    if tables is None:
        tables = [{"source": source} for source in args.source]
    if not 0 < len(tables) <= MOST_CAMERAS:
        raise UsageError(f"{len(tables)} cameras: a run has 1 to {MOST_CAMERAS}")
    scene = next((name for name in TABLES if name in args.tables), None)
    if scene is not None:
        raise UsageError(
            f"--config {args.config}: of which camera is [[{scene}]]? write it as "
            f"[[{CAMERA}.{scene}]] below its [[{CAMERA}]]"
        )
    if args.display:
        raise UsageError("--display shows one camera; several are shown by --serve")
    cameras = [_camera(args, parser, number, table) for number, table in enumerate(tables, 1)]
    _refuse_twice(cameras)
    return cameras


def _with(args: argparse.Namespace, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(args), **changes})


def _camera(
    args: argparse.Namespace, parser: ConfigurableParser, number: int, table: Mapping[str, Any]
) -> argparse.Namespace:
    """The flags of a camera: those of the run, and what its table says."""
    where = f"--config {args.config}: camera {number}" if args.config else f"camera {number}"
    for name in table:
        if name not in (*SETTINGS, *TABLES):
            hint = did_you_mean(name, SETTINGS)
            if name in vars(args):
                hint = f"; it holds for all cameras: write it above the first [[{CAMERA}]]"
            raise UsageError(f"{where}: no setting of a camera is called {name!r}{hint}")
        entries = table[name]
        are_tables = isinstance(entries, list) and all(isinstance(e, dict) for e in entries)
        if name in TABLES and not are_tables:
            raise UsageError(f"{where}: {name} is expected as tables, each [[{CAMERA}.{name}]]")
    if "source" not in table:
        raise UsageError(f"{where}: source is missing, such as source = 0")
    if isinstance(table["source"], list):
        raise UsageError(f"{where}: source is one text or number; write a [[{CAMERA}]] for each")
    settings = {name: value for name, value in table.items() if name in SETTINGS}
    own = _with(args, source=None, name=f"camera{number}", seed=args.seed + number - 1)
    # argparse sets what is typed alone; the model, which is not, is that of the run.
    words = parser.words_of(settings, where)
    parser.exit_on_error = False
    try:
        argparse.ArgumentParser.parse_known_args(parser, words, own)
    except argparse.ArgumentError as exc:
        parser.error(f"{where}: {exc}")
    finally:
        parser.exit_on_error = True
    own.bundle, own.source, own.camera = args.bundle, own.source[0], own.name
    own.tables = {name: table[name] for name in TABLES if name in table}
    for name in WRITTEN:
        if name not in table and (path := getattr(own, name)) is not None:
            setattr(own, name, named_after(path, own.name))
    own.mqtt_name = f"{args.mqtt_name} {own.name}" if args.mqtt_name else own.name
    if args.mqtt_host is not None:
        from device.home.identity import device_id
        from device.home.topics import slug

        own.mqtt_id = f"{args.mqtt_id or device_id()}-{slug(own.name)}"
    return own


def file_part(name: str) -> str:
    """The name of a camera as a part of a file's."""
    return re.sub(r"\W+", "_", name)


def named_after(path: str | Path, name: str) -> str | Path:
    """``path`` with the name of a camera in that of the file or folder; standard output stays."""
    text, part = str(path), file_part(name)
    if text == STDOUT:
        return path
    if text.endswith("/"):  # by which a folder is told
        return f"{text.rstrip('/')}-{part}/"
    named = Path(text).with_stem(f"{Path(text).stem}-{part}")
    return str(named) if isinstance(path, str) else named


def _refuse_twice(cameras: Sequence[argparse.Namespace]) -> None:
    """Raise ``UsageError`` for two cameras of one name or source, or with one file to write."""
    for (first, one), (second, other) in combinations(enumerate(cameras, 1), 2):
        both = f"cameras {first} and {second}"
        if file_part(one.name).casefold() == file_part(other.name).casefold():
            called = f"both called {other.name}"
            if one.name != other.name:
                called = f"called {one.name} and {other.name}, which is one name for files"
            raise UsageError(f"{both} are {called}: give each a name of its own")
        if _device_of(one.source) == _device_of(other.source) != "demo":
            from device.cameras.url import redact

            shown = redact(other.source) if "://" in other.source else other.source
            raise UsageError(f"{both} are both {shown}: a source is read once; leave one out")
        for name in WRITTEN:
            path = getattr(other, name)
            if path is not None and str(path) != STDOUT and getattr(one, name) == path:
                raise UsageError(f"{both} both write --{name} {path}: give two names")


def _device_of(source: str) -> str:
    """What a source stands for, where it can be told from its name."""
    if source == "picamera":
        return "picamera:0"
    if source.isdecimal():
        return f"/dev/video{int(source)}"
    return source if "://" in source or source == "demo" else str(real_path(source))
