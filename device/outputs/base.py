"""The sink protocol: what every output of a run has in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from device.errors import SinkError
from device.records import Frame, Outcome
from device.system.closable import Closable

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class Sink(Closable):
    """An output that takes every outcome of a run; used as a context manager.

    Leaving it with an exception still finishes what was written so far.
    """

    def needs_image(self, frame: Frame) -> bool:  # noqa: ARG002
        """Whether the outcome of ``frame``, the next, must come with its annotated image."""
        return False

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Take one outcome. Raises ``SinkError`` where it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output; may be called more than once. Raises ``SinkError``."""

    def abort(self) -> None:
        """Let go at once of what would outlive the process; called from another thread."""


class ImageSink(Sink):
    """A sink of annotated images, which it needs of every outcome."""

    def needs_image(self, frame: Frame) -> bool:  # noqa: ARG002
        """Always."""
        return True


def make_folder(path: Path) -> None:
    """Make a folder for an output, and those above it. Raises ``SinkError``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"{path}: {exc.strerror}; choose another place to write") from exc
