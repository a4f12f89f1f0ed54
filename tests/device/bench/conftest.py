"""Records of benchmarks that nobody measured, for what is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest

from device.bench.combination import Combination
from device.bench.record import (
    FORMAT,
    Benchmark,
    BenchmarkSettings,
    CombinationResult,
    EndToEnd,
    Load,
    MemoryUse,
    Moment,
    Reference,
    Stretch,
    Sustained,
)
from device.bench.timing import summarise
from device.system.board import Board, Cpu, State
from device.system.board import Memory as MainMemory

PI = Board(
    model="Raspberry Pi 5 Model B Rev 1.0",
    cpu=Cpu("Cortex-A76", 4, ("NEON", "dotprod", "fp16")),
    machine="aarch64",
    userland_bits=64,
    kernel="6.12.25+rpt-rpi-2712",
    os="Debian GNU/Linux 12 (bookworm)",
    memory=MainMemory(8062, 7000, 512, 512),
)
QUIET = State(
    governor="performance",
    clock_mhz=2400.0,
    clock_limit_mhz=2400.0,
    temperature_c=45.0,
    throttled=0,
    load_1_min=0.1,
)
MEMORY = MemoryUse(resident_mb=90.0, proportional_mb=70.0, peak_mb=95.0)


def flatten(rounds_ms: Sequence[Sequence[float]]) -> list[float]:
    return [time_ms for times_ms in rounds_ms for time_ms in times_ms]


def make_result(
    rounds_ms: Sequence[Sequence[float]] = ((4.0, 4.1, 4.2), (4.0, 4.1, 4.2)),
    *,
    variant: str = "int8",
    interpreter: str = "litert",
    threads: int = 1,
    frames_ms: Sequence[Sequence[float]] | None = None,
    references: tuple[Reference, ...] = (),
) -> CombinationResult:
    invoke = summarise(flatten(rounds_ms))
    whole = None
    if frames_ms is not None:
        frame = summarise(flatten(frames_ms))
        whole = EndToEnd(
            fps=1e3 / frame.mean_ms,
            frame=frame,
            age=summarise([30.0, 31.0]),
            stages={"capture": summarise([0.5]), "invoke": summarise([4.0])},
            dropped=0,
            cpu_percent=150.0,
            memory=MEMORY,
            rounds_ms=tuple(map(tuple, frames_ms)),
        )
    return CombinationResult(
        variant=variant,
        interpreter=interpreter,
        version="2.3.0",
        threads=threads,
        size_bytes=5_000_000,
        import_ms=9.0,
        load_ms=30.0,
        first_invoke_ms=8.0,
        invoke=invoke,
        fps=1e3 / invoke.mean_ms,
        timing_cost_percent=0.002,
        cpu_percent=99.0,
        memory=MEMORY,
        rounds_ms=tuple(map(tuple, rounds_ms)),
        end_to_end=whole,
        references=references,
    )


def make_failure(
    variant: str = "dynamic", error: str = "refuses dynamic.tflite"
) -> CombinationResult:
    return CombinationResult(
        variant=variant,
        interpreter="litert",
        version="2.3.0",
        threads=1,
        size_bytes=1,
        error=error,
    )


def make_benchmark(results: Sequence[CombinationResult], **changed: object) -> Benchmark:
    fields = {
        "format": FORMAT,
        "made_at": "2026-11-21T10:00:00Z",
        "command": "python -m device bench bundle",
        "liteberry": "1",
        "python": "3.11.2",
        "packages": {"numpy": "1.26.4", "ai-edge-litert": "2.3.0"},
        "machine": PI.title,
        "board": PI,
        "priority": "normal",
        "model": "ssdlite",
        "bundle_sha256": "ab" * 32,
        "settings": BenchmarkSettings(rounds=2),
        "results": tuple(results),
        "moments": (Moment(elapsed_s=0.0, state=QUIET), Moment(elapsed_s=60.0, state=QUIET)),
        "load": Load(other_cores=0.02, stolen_percent=0.0),
        "chosen": {},
    }
    return Benchmark(**(fields | changed))


def make_sustained() -> Sustained:
    """A minute in which the board warms from 50 to 80 degrees and falls from 20 to 14 FPS."""
    stretches = []
    for number in range(12):
        state = State("performance", 2400 - 50 * number, 2400, 50 + 2.5 * number, 0, 1.0)
        fps = 20 - number / 2
        stretches.append(
            Stretch(elapsed_s=5.0 * (number + 1), fps=fps, median_ms=1e3 / fps, state=state)
        )
    return Sustained(
        variant="int8",
        interpreter="litert",
        threads=4,
        end_to_end=True,
        stretches=tuple(stretches),
    )


@pytest.fixture
def full() -> Benchmark:
    """A benchmark that has every part."""
    references = (
        Reference(name="bare loop", median_ms=4.0, ratio=1.02, rounds_ms=(4.0, 4.0)),
        Reference(name="LiteRT's script", error="No module named 'ml_dtypes'"),
    )
    results = [
        make_result(references=references, frames_ms=((5.0, 5.1), (5.2, 5.3))),
        make_result(((2.0, 2.1), (2.0, 2.2)), threads=4, frames_ms=((3.0, 3.1), (3.2, 3.3))),
        make_result(((9.0, 9.1), (9.0, 9.2)), variant="float32"),
        make_failure(),
    ]
    return make_benchmark(
        results, sustained=make_sustained(), settings=BenchmarkSettings(rounds=2, source="demo")
    )


def median_of(result: CombinationResult) -> float:
    return statistics.median(flatten(result.rounds_ms))


ONE = Combination("int8", "litert", 1)


BRIEF = {"warmups": 1, "min_count": 3, "min_time_s": 0.01}
