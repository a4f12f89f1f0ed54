"""Where results go: what all outputs have in common, and which of them a run is asked for."""

from __future__ import annotations

import shlex
import shutil
import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import SinkError, UsageError
from device.records import Outcome
from device.system.closable import Closable

if TYPE_CHECKING:
    from device.outputs.clips import ClipSink
    from device.outputs.video import Pace

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")


class Sink(Closable):
    """Takes every outcome of a run; used as a context manager.

    Leaving it with an exception still finishes what was written so far.
    """

    wants_picture = False  # whether outcomes must come with their picture drawn

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Take one outcome. Raises ``SinkError`` where it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output; may be called more than once. Raises ``SinkError``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a run is to leave behind, as the flags of the same names ask for it."""

    output: Path | None = None  # a video by its ending, else a folder
    segment_s: float | None = None
    quota_bytes: int | None = None
    log: Path | None = None  # a table if it ends in .csv, else JSON lines
    log_size_bytes: int | None = None
    display: bool = False
    on: Sequence[str] = ()
    record_s: float | None = None
    clips: Path = Path("clips")
    run: str | None = None
    cooldown_s: float = 30.0

    @property
    def is_video(self) -> bool:
        """Whether ``output`` is one."""
        return self.output is not None and self.output.suffix.lower() in VIDEO_SUFFIXES


def make_folder(path: Path) -> None:
    """Make a folder for an output, and those above it. Raises ``SinkError``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"{path}: {exc.strerror}; choose another place to write") from exc


def check_outputs(outputs: Outputs, source: str, bundle: Path) -> None:
    """Raise :class:`UsageError` for outputs that cannot be meant."""
    _refuse_contradictions(outputs)
    _refuse_overwriting(outputs, source, bundle)


def _refuse_contradictions(outputs: Outputs) -> None:
    if outputs.on and outputs.record_s is None and outputs.run is None:
        raise UsageError("--on alone does nothing: add --record SECONDS or --run COMMAND")
    for flag, value in (("--record", outputs.record_s), ("--run", outputs.run)):
        if value is not None and not outputs.on:
            raise UsageError(f"{flag} needs --on: what is to be seen, such as --on person")
    if outputs.segment_s is not None and not outputs.is_video:
        raise UsageError("--segment needs --output with a video, such as --output camera.mp4")
    removable = outputs.segment_s or outputs.record_s or (outputs.output and not outputs.is_video)
    if outputs.quota_bytes is not None and not removable:
        raise UsageError("--quota has nothing to remove: add --segment SECONDS")
    if outputs.log_size_bytes is not None and outputs.log is None:
        raise UsageError("--log-size needs --log FILE")
    if outputs.run is not None:
        try:
            words = shlex.split(outputs.run)
        except ValueError as exc:
            raise UsageError(f"--run {outputs.run}: {exc}") from exc
        if shell := next((word for word in words if set(word) <= set("|&;<>")), None):
            raise UsageError(
                f"--run starts its command without a shell, so {shell} would mean nothing: "
                "write --run \"sh -c '...'\""
            )
        if not words or shutil.which(words[0]) is None:
            raise UsageError(f"--run {outputs.run!r}: no such command, or it is not executable")


def _refuse_overwriting(outputs: Outputs, source: str, bundle: Path) -> None:
    """What the user wants to keep is the source, what the bundle holds, and the other outputs."""
    output = outputs.output
    if not source:
        raise UsageError("--source is empty: a video, a picture, a folder or demo is expected")
    if output is not None and output.suffix and not outputs.is_video and not output.is_dir():
        raise UsageError(
            f"--output {output}: a video ends in {', '.join(VIDEO_SUFFIXES)}; for a folder of "
            "pictures give a name without an ending"
        )
    clips = None if outputs.record_s is None else outputs.clips
    named = (("--output", output), ("--log", outputs.log), ("--clips", clips))
    paths = [(flag, path) for flag, path in named if path is not None]
    for (flag, path), (other, same) in combinations(paths, 2):
        if path.resolve() == same.resolve():
            raise UsageError(f"{flag} and {other} are both {path}: give two names")
    origin = Path(source).resolve()
    for flag, path in paths:
        if path.resolve() == origin:
            raise UsageError(f"{flag} {path} is the source: choose another name")
        if path.resolve().is_relative_to(bundle.resolve()):
            raise UsageError(f"{flag} {path} lies in the bundle: choose another place")
        if path.resolve().is_relative_to(origin) and origin.is_dir():
            raise UsageError(
                f"{flag} {path} lies in the source folder, and would be read as a source next "
                "time: choose another place"
            )
    if outputs.quota_bytes is not None and _may_remove(outputs, origin):
        raise UsageError(f"--source {source} is called like what --quota removes: rename it")


def _may_remove(outputs: Outputs, path: Path) -> bool:
    """Whether the quota would take ``path`` for a file of an earlier run."""
    from device.outputs.segments import name_for, series_pattern

    series = []
    if outputs.output is not None and outputs.segment_s is not None:
        series.append((outputs.output.parent, [outputs.output.stem], outputs.output.suffix))
    if outputs.record_s is not None:
        series.append((outputs.clips, [name_for(label) for label in outputs.on], ".mp4"))
    return any(
        path.parent == folder.resolve() and series_pattern(names, suffix).fullmatch(path.name)
        for folder, names, suffix in series
    )


def make_sinks(outputs: Outputs, pace: Pace, stop: threading.Event) -> Iterator[Sink]:
    """The sinks that ``outputs`` asks for; ``stop`` is set by a window that is closed.

    What one needs is imported only when it is asked for. Raises ``SinkError``.
    """
    output, quota = outputs.output, outputs.quota_bytes
    if output is not None and not outputs.is_video:
        from device.outputs.image_folder import PictureFolder

        yield PictureFolder(output, quota)
    elif output is not None and outputs.segment_s is not None:
        from device.outputs.segments import SegmentSink

        yield SegmentSink(output, pace, outputs.segment_s, quota)
    elif output is not None:
        from device.outputs.video import VideoSink

        yield VideoSink(output, pace)
    if outputs.log is not None:
        from device.outputs.logs import make_log

        yield make_log(outputs.log, outputs.log_size_bytes)
    clips: ClipSink | None = None
    if outputs.record_s is not None:
        from device.outputs.clips import ClipSink

        clips = ClipSink(outputs.clips, outputs.on, outputs.record_s, pace, quota)
        yield clips
    if outputs.run is not None:
        from device.outputs.command import CommandSink

        # After the clips: by then the one that shows the event has begun.
        yield CommandSink(outputs.run, outputs.on, outputs.cooldown_s, clips)
    if outputs.display:
        from device.outputs.window import Window

        yield Window(stop)
