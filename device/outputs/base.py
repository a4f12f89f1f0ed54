"""Where results go: what all outputs have in common, and which of them a run is asked for."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import SinkError
from device.records import Outcome
from device.system.closable import Closable

if TYPE_CHECKING:
    pass

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")


class Sink(Closable):
    """Takes every outcome of a run; used as a context manager.

    Leaving it with an exception still finishes what was written so far.
    """

    wants_image = False  # whether outcomes must come with their picture drawn

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Take one outcome. Raises ``SinkError`` where it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output; may be called more than once. Raises ``SinkError``."""


def make_folder(path: Path) -> None:
    """Make a folder for an output, and those above it. Raises ``SinkError``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"{path}: {exc.strerror}; choose another place to write") from exc
