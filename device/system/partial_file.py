"""Partial files: how a video is called until it is finished."""

from __future__ import annotations

from pathlib import Path

_MARK = ".partial"


def partial_of(path: Path) -> Path:
    """The name of the video ``path`` until it is finished."""
    return path.with_name(f"{path.stem}{_MARK}{path.suffix}")


def is_partial(path: Path) -> bool:
    """Whether a video is one that a run is still writing, or was cut off from."""
    return path.stem.endswith(_MARK)
