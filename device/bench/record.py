"""The record of a benchmark: what ``bench --json`` writes and ``--compare`` reads.

docs/benchmarking.md tells what each key means.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from device.bench.timing import TimingSummary
from device.errors import BenchmarkError
from device.files import read_regular
from device.inference.autotune import TunedSettings
from device.json_text import decode_json
from device.runtimes import InterpreterName
from device.schema import Count, Index, Record
from device.system.board import Board, State
from device.system.console import count_of

MOST_OF_A_RECORD = 500_000_000  # bytes: every time of every invoke is in it
FORMAT = 1  # raised when an older liteberry could misread a newer file

Times = tuple[float, ...]
"""Milliseconds, in the order they were measured."""


class BenchmarkSettings(Record, frozen=True):
    """Settings of a benchmark: counts and times are those of one round of one combination."""

    rounds: Count = 5
    warmups: Index = 10  # invokes, or frames, that are not counted
    min_count: Count = 10
    min_time_s: float = 0.5
    source: str | None = None  # of the frames that went end to end
    seed: Index = 0
    references: bool = False  # whether others' loops were measured beside it
    delegate: str | None = None  # a library that the interpreters were told to load


class MemoryUse(Record, frozen=True):
    """Memory of one process, in MB (10^6 bytes)."""

    resident_mb: float
    proportional_mb: float | None  # pages shared with others divided among them; Linux alone
    peak_mb: float  # the most that was resident at any time


class EndToEnd(Record, frozen=True):
    """Frames from the source to what was found on them, through the pipeline that detect runs."""

    fps: float  # of the whole pipeline, whose stages overlap
    frame: TimingSummary  # between one finished frame and the next
    age: TimingSummary  # from the end of a frame's capture until it is decoded
    stages: dict[str, TimingSummary]
    dropped: int  # frames of a live camera that a newer one replaced
    cpu_percent: float
    memory: MemoryUse
    rounds_ms: tuple[Times, ...]  # what `frame` sums up


class Reference(Record, frozen=True):
    """Somebody else's loop over the same file with as many threads, in the same rounds."""

    name: str
    median_ms: float | None = None  # of the rounds' medians
    ratio: float | None = None  # median over the rounds of ours / theirs
    rounds_ms: Times = ()  # the median of each round
    error: str = ""


class CombinationResult(Record, frozen=True):
    """One variant in one interpreter with so many threads; ``error`` where it cannot run."""

    variant: str
    interpreter: InterpreterName
    version: str
    threads: Count
    size_bytes: Index
    error: str = ""
    delegate: str = ""  # what ran the operators
    import_ms: float | None = None  # of the interpreter's package
    load_ms: float | None = None  # hash checked, model loaded, tensors allocated
    first_invoke_ms: float | None = None
    invoke: TimingSummary | None = None
    fps: float | None = None  # of invokes alone, back to back
    timing_cost_percent: float | None = None  # what the two readings of the clock add
    cpu_percent: float | None = None  # 100 is one core
    memory: MemoryUse | None = None
    rounds_ms: tuple[Times, ...] = ()  # what `invoke` sums up
    end_to_end: EndToEnd | None = None
    references: tuple[Reference, ...] = ()

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return f"{self.variant} in {self.interpreter}, {count_of(self.threads, 'thread')}"

    @property
    def best_fps(self) -> float:
        """Of whole frames where they were measured, else of invokes; 0 where it fails."""
        return self.fps or 0.0 if self.end_to_end is None else self.end_to_end.fps


class Moment(Record, frozen=True):
    """State of the machine, so long after the start."""

    elapsed_s: float
    state: State


class Stretch(Record, frozen=True):
    """A few seconds of a sustained run."""

    elapsed_s: float  # at its end
    fps: float
    median_ms: float
    state: State


class Sustained(Record, frozen=True):
    """One combination that ran for minutes: what is left when the board is warm."""

    variant: str
    interpreter: InterpreterName
    threads: Count
    end_to_end: bool  # whole frames, or invokes alone
    stretches: tuple[Stretch, ...]


class Load(Record, frozen=True):
    """Load by other programs, meanwhile."""

    other_cores: float | None  # mean number of cores that other programs kept busy
    stolen_percent: float | None  # time that a hypervisor gave to other machines


class Benchmark(Record, frozen=True):
    """One run of ``device bench``."""

    format: Count
    made_at: str  # ISO 8601, UTC
    command: str
    liteberry: str
    python: str
    packages: dict[str, str]
    machine: str  # what to call it; a host machine is named as such
    board: Board
    priority: str  # how the scheduler treated it: normal, nice -5, real-time 10
    model: str
    bundle_sha256: str
    settings: BenchmarkSettings
    results: tuple[CombinationResult, ...]
    moments: tuple[Moment, ...]  # at the start, after each round, at the end
    load: Load
    chosen: dict[str, TunedSettings]  # by variant, what --tune saved
    sustained: Sustained | None = None
    warnings: tuple[str, ...] = ()


def encode(benchmark: Benchmark) -> bytes:
    """``benchmark`` as JSON to read and to compare: indented, rows of numbers on one line."""
    text = msgspec.json.format(msgspec.json.encode(benchmark), indent=1)
    flat = re.sub(rb"\[[-\d.,e\s]+\]", lambda found: b"".join(found[0].split()), text)
    return flat + b"\n"


class _FormatOnly(msgspec.Struct):
    format: int


def read(path: Path) -> Benchmark:
    """Read what ``bench --json`` wrote. Raises ``BenchmarkError`` for anything else."""
    try:
        data = read_regular(path, MOST_OF_A_RECORD)
    except OSError as exc:
        raise BenchmarkError(f"{path}: {exc.strerror}; bench --json FILE writes one") from exc
    try:
        version = decode_json(data, _FormatOnly).format
        if version > FORMAT:
            raise BenchmarkError(
                f"{path} has format {version}, this liteberry reads up to {FORMAT}: update it"
            )
        return decode_json(data, Benchmark)
    except msgspec.DecodeError as exc:
        raise BenchmarkError(f"{path}: not what bench --json writes ({exc})") from exc
