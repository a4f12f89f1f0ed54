"""Messages between the benchmark and its worker processes: jobs, and what they found."""

from __future__ import annotations

from device.bench.record import MemoryUse, Times
from device.bundle.manifest import Manifest
from device.runtimes import InterpreterName
from device.schema import Count, Index, Record


class Bare(Record, frozen=True):
    """A model without a bundle as it was understood: each process would find out the same."""

    manifest: Manifest
    labels: tuple[str, ...]
    anchors: bytes | None = None  # float32 (count, 4)


class WorkerJob(Record, frozen=True):
    """A job for a worker: frames of ``source`` end to end, or where that is None invokes alone."""

    bundle: str  # the folder
    variant: str
    interpreter: InterpreterName
    threads: Count
    warmups: Index
    min_count: Count
    min_time_s: float
    source: str | None = None
    seed: Index = 0
    bare: Bare | None = None
    sustain_s: float | None = None  # instead, run so long, and tell of every few seconds
    delegate: str | None = None  # a library that the interpreter is to load
    keep_input: str | None = None  # .npy to leave the network's input in, for others' loops


class Invokes(Record, frozen=True, tag="invokes"):
    """Figures of invokes alone: the answer to a job without a source."""

    delegate: str
    import_ms: float
    load_ms: float
    first_invoke_ms: float
    invoke_ms: Times
    timing_cost_ms: float
    cpu_percent: float
    memory: MemoryUse


class Frames(Record, frozen=True, tag="frames"):
    """Figures of frames end to end: the answer to a job with a source."""

    frame_ms: Times  # from one finished frame to the next
    age_ms: Times
    stages_ms: dict[str, Times]
    dropped: int
    cpu_percent: float
    memory: MemoryUse


class Tick(Record, frozen=True, tag="tick"):
    """A stretch of a sustained run."""

    elapsed_s: float
    fps: float
    median_ms: float
