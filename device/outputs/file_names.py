"""File names of outputs: of videos under way, and of those in a series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

STAMP = r"(\d{8}T\d{6}Z)"


def partial_of(path: Path) -> Path:
    """The name of a video until it is finished."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def series_pattern(names: Sequence[str], suffix: str) -> re.Pattern[str]:
    """The pattern of the file names of a series; its first group is the time."""
    either = "|".join(map(re.escape, names))
    return re.compile(rf"(?:{either})-{STAMP}(?:\.partial)?{re.escape(suffix)}")


def name_for(label: str) -> str:
    """A label as the beginning of a file name."""
    return re.sub(r"\W+", "_", label)
