"""Rounds of a benchmark: combinations of variant, interpreter and threads, measured in turn.

Every round starts a new process for each combination, in another order, so that a machine that
grows warm or busy disturbs all of them alike, and so that what differs from process to process
(where memory lies, what else runs) shows between the rounds.
"""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from device.bench.cell import WORKER, Cell, job_for
from device.bench.combination import Combination
from device.bench.job import Tick
from device.bench.record import (
    BenchmarkSettings,
    CombinationResult,
    Load,
    Moment,
    Stretch,
)
from device.bench.stability import LoadMonitor
from device.bundle.model import Model
from device.system.board import read_state
from device.system.isolated_process import TIMEOUT_S, converse


class Measurements(NamedTuple):
    """Results of all combinations, and how the machine was doing."""

    results: tuple[CombinationResult, ...]
    moments: tuple[Moment, ...]
    load: Load


def measure(
    bundle: Model,
    combinations: Sequence[Combination],
    settings: BenchmarkSettings,
    progress: Callable[[int, int], None],
) -> Measurements:
    """Measure all of them; ``progress`` is told how many processes of how many are done.

    A combination that fails has the reason in its result; the others go on.
    """
    with tempfile.TemporaryDirectory() as scratch:
        cells = [Cell(bundle, item, settings, Path(scratch)) for item in combinations]
        return _measure_cells(cells, settings, progress)


def _measure_cells(
    cells: Sequence[Cell], settings: BenchmarkSettings, progress: Callable[[int, int], None]
) -> Measurements:
    total = settings.rounds * sum(len(cell.steps) for cell in cells)
    finished = itertools.count(1)
    started_s = time.monotonic()
    monitor = LoadMonitor()
    moments = [_moment(started_s)]
    for number in range(settings.rounds):
        # Another order each time: what comes after the hottest is not always the same.
        for cell in random.Random(f"{settings.seed} {number}").sample(cells, len(cells)):
            cell.run(number, lambda: progress(next(finished), total))
        moments.append(_moment(started_s))
    load = monitor.load(time.monotonic() - started_s)
    return Measurements(tuple(cell.result() for cell in cells), tuple(moments), load)


def _moment(started_s: float) -> Moment:
    return Moment(elapsed_s=round(time.monotonic() - started_s, 1), state=read_state())


def sustain(
    bundle: Model, combination: Combination, settings: BenchmarkSettings, duration_s: float
) -> Iterator[Stretch]:
    """Run one combination without a pause; a figure for every few seconds, as they come.

    Raises ``InterpreterError`` where it fails.
    """
    job = msgspec.structs.replace(job_for(bundle, combination, settings), sustain_s=duration_s)
    ticks = converse(WORKER, job, Tick, str(combination), duration_s + TIMEOUT_S)
    for tick in ticks:
        yield Stretch(
            elapsed_s=tick.elapsed_s,
            fps=tick.fps,
            median_ms=tick.median_ms,
            state=read_state(),
        )
