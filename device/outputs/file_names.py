"""File names of outputs: of events, of those in a series, and of what was cut off."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Sequence
from pathlib import Path

STAMP = r"(\d{8}T\d{6}(?:Z|[+-]\d{4}))"  # ISO 8601, basic format
STAMP_FORMAT = "%Y%m%dT%H%M%S"


def stamp(time_s: float, *, local: bool = False) -> str:
    """A time (of ``time.time``) as file names have it: in UTC, or ``local`` with its offset."""
    if local:
        return time.strftime(f"{STAMP_FORMAT}%z", time.localtime(time_s))
    return time.strftime(f"{STAMP_FORMAT}Z", time.gmtime(time_s))


def in_utc(text: str) -> str:
    """A stamp in UTC, by which files can be ordered; ``text`` itself where it is no time."""
    try:
        moment = datetime.datetime.strptime(text, f"{STAMP_FORMAT}%z")
        return moment.astimezone(datetime.UTC).strftime(f"{STAMP_FORMAT}Z")
    except (ValueError, OverflowError):
        return text


def recovered_of(path: Path, time_s: float) -> Path:
    """A free name for what a run that was cut off at ``time_s`` left of the video ``path``."""
    while True:
        found = path.with_name(f"{path.stem}.recovered-{stamp(time_s)}{path.suffix}")
        if not found.exists():
            return found
        time_s += 1


def series_pattern(names: Sequence[str], suffix: str) -> re.Pattern[str]:
    """The pattern of the file names of a series; its first group is the time."""
    either = "|".join(map(re.escape, names))
    return re.compile(rf"(?:{either})-{STAMP}(?:\.partial)?{re.escape(suffix)}")


def name_for(label: str) -> str:
    """A label as the beginning of a file name."""
    return re.sub(r"\W+", "_", label)


def event_name(label: str, run_name: str = "") -> str:
    """The beginning of the name of an event's file, with the name of its run where it has one."""
    return f"{name_for(run_name)}-{name_for(label)}" if run_name else name_for(label)
