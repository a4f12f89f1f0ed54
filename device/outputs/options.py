"""Output options: what a run is to leave behind, and which combinations cannot be meant."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from device.errors import UsageError
from device.file_kinds import kind_of_file
from device.outputs.base import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from device.outputs.file_names import event_name, series_pattern
from device.paths import real_path

STDOUT = Path("-")
LOG_SUFFIXES = (".jsonl", ".csv")  # of names that cannot be a slip of the fingers


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Output options: what a run is to leave behind, as the flags of the same names ask for it."""

    draw: AbstractSet[str] | None = None  # of device.drawing.parts; None: as suits the source
    name: str = ""  # of the run, in events and file names
    camera: str = ""  # its name in lines of the log, in a run of several
    output: Path | None = None  # a video or an image by its ending, else a folder
    output_is_folder: bool = False  # whatever its ending: it was given with a slash
    segment_s: float | None = None
    quota_bytes: int | None = None
    local_time: bool = False  # in the names of segments, clips and collected images
    log: Path | None = None  # a table if it ends in .csv, else JSON lines; "-" is standard output
    log_size_bytes: int | None = None
    display: bool = False
    on: Sequence[str] = ()
    record_s: float | None = None
    clips: Path = Path("clips")
    run: str | None = None
    cooldown_s: float = 30.0
    counts: Path | None = None  # a folder
    events: Path | None = None  # a database
    events_quota_bytes: int = 500_000_000
    events_age_s: float | None = None
    has_rules: bool = False  # in the settings: a command may be for them alone
    collect: Path | None = None
    collect_scores: tuple[float, float] = (0.3, 0.6)  # within which a finding is unsure
    collect_every_s: float = 10.0
    collect_quota_bytes: int = 200_000_000

    @property
    def is_video(self) -> bool:
        """Whether ``output`` is one."""
        return self._is_file_of(VIDEO_SUFFIXES)

    @property
    def is_image(self) -> bool:
        """Whether ``output`` is one, of a source that is one too."""
        return (
            self._is_file_of(IMAGE_SUFFIXES)
            and self.output is not None
            and not self.output.is_dir()
        )

    def _is_file_of(self, suffixes: Collection[str]) -> bool:
        output = self.output
        return (
            output is not None and not self.output_is_folder and output.suffix.lower() in suffixes
        )

    @property
    def log_is_stdout(self) -> bool:
        """Whether standard output is the log's, and no one else's."""
        return self.log == STDOUT


def check_outputs(outputs: OutputOptions, source: str, bundle: Path) -> None:
    """Raise :class:`UsageError` for outputs that cannot be meant."""
    _refuse_contradictions(outputs)
    _refuse_overwriting(outputs, source, bundle)


def check_single_image(outputs: OutputOptions, source: str, images: int | None) -> None:
    """Raise :class:`UsageError` for one picture as output of a source of more, or of a video."""
    if outputs.is_image and images != 1:
        raise UsageError(
            f"--output {outputs.output} is one picture, and --source {source} is more: give the "
            "name of a video, or of a folder without an ending"
        )


def _refuse_contradictions(outputs: OutputOptions) -> None:
    if outputs.on and outputs.record_s is None and outputs.run is None:
        raise UsageError("--on alone does nothing: add --record SECONDS or --run COMMAND")
    for flag, value in (("--record", outputs.record_s), ("--run", outputs.run)):
        for_rules = flag == "--run" and outputs.has_rules
        if value is not None and not outputs.on and not for_rules:
            raise UsageError(f"{flag} needs --on: what is to be seen, such as --on person")
    if outputs.segment_s is not None and not outputs.is_video:
        raise UsageError("--segment needs --output with a video, such as --output camera.mp4")
    a_folder = outputs.output and not outputs.is_video and not outputs.is_image
    removable = outputs.segment_s or outputs.record_s or a_folder
    if outputs.quota_bytes is not None and not removable:
        raise UsageError("--quota has nothing to remove: add --segment SECONDS")
    if outputs.log_size_bytes is not None and (outputs.log is None or outputs.log_is_stdout):
        raise UsageError("--log-size needs --log FILE")
    if outputs.run is not None:
        import shutil  # here: it brings every kind of archive along

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


def _refuse_overwriting(outputs: OutputOptions, source: str, bundle: Path) -> None:
    """What the user wants to keep is the source, what the bundle holds, and the other outputs."""
    output = outputs.output
    if not source:
        raise UsageError("--source is empty: a video, a picture, a folder or demo is expected")
    # One that is missing is told of where it is looked for, with the nearest name.
    is_picture = Path(source).is_file() or kind_of_file(Path(source)) == "a picture"
    if output is not None and outputs.is_image and not is_picture:
        raise UsageError(
            f"--output {output} is one picture, and --source {source} is not: give the name of a "
            "video, or of a folder without an ending"
        )
    a_file = outputs.is_video or outputs.is_image
    a_folder = outputs.output_is_folder or (output is not None and output.is_dir())
    if output is not None and output.suffix and not a_file and not a_folder:
        raise UsageError(
            f"--output {output}: a video ends in {', '.join(VIDEO_SUFFIXES)}, a picture in "
            f"{', '.join(IMAGE_SUFFIXES)}; for a folder give a name without an ending, or "
            "with a slash behind it"
        )
    clips = None if outputs.record_s is None else outputs.clips
    log = None if outputs.log_is_stdout else outputs.log
    named = (
        ("--output", output),
        ("--log", log),
        ("--clips", clips),
        ("--collect", outputs.collect),
        ("--counts", outputs.counts),
        ("--events", outputs.events),
    )
    paths = [(flag, path) for flag, path in named if path is not None]
    for (flag, path), (other, same) in combinations(paths, 2):
        if real_path(path) == real_path(same):
            raise UsageError(f"{flag} and {other} are both {path}: give two names")
    origin = real_path(source)
    for flag, path in paths:
        if real_path(path) == origin:
            raise UsageError(f"{flag} {path} is the source: choose another name")
        if real_path(path).is_relative_to(real_path(bundle)):
            raise UsageError(f"{flag} {path} lies in the bundle: choose another place")
        if real_path(path).is_relative_to(origin) and origin.is_dir():
            raise UsageError(
                f"{flag} {path} lies in the source folder, and would be read as a source next "
                "time: choose another place"
            )
    if log is not None and log.suffix.lower() not in LOG_SUFFIXES and not log.parent.is_dir():
        raise UsageError(
            f"--log {log}: there is no folder {log.parent}; it is made only for a name "
            f"that ends in {' or '.join(LOG_SUFFIXES)}"
        )
    if outputs.quota_bytes is not None and _may_remove(outputs, origin):
        raise UsageError(f"--source {source} is called like what --quota removes: rename it")


def _may_remove(outputs: OutputOptions, path: Path) -> bool:
    """Whether the quota would take ``path`` for a file of an earlier run."""
    series = []
    if outputs.output is not None and outputs.segment_s is not None:
        series.append((outputs.output.parent, [outputs.output.stem], outputs.output.suffix))
    if outputs.record_s is not None:
        series.append(
            (outputs.clips, [event_name(label, outputs.name) for label in outputs.on], ".mp4")
        )
    return any(
        path.parent == real_path(folder) and series_pattern(names, suffix).fullmatch(path.name)
        for folder, names, suffix in series
    )
