"""A benchmark session: one run of ``device bench``, from what was asked for to its record."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device import __version__
from device.bench.combination import Combination, combinations
from device.bench.record import (
    FORMAT,
    Benchmark,
    BenchmarkSettings,
    CombinationResult,
    Moment,
    Stretch,
    Sustained,
)
from device.bench.rounds import measure, sustain
from device.bench.stability import warnings
from device.bench.tuning import pick, rate
from device.bundle.model import Model
from device.errors import InterpreterError
from device.inference.autotune import save_choice
from device.runtimes import ORIGINS, InterpreterName
from device.system.board import read_board
from device.system.console import count_of

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    *(origin.distribution for origin in ORIGINS.values()),
)
TELL_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. No interpreters means the best of each variant."""

    variants: Sequence[str]
    interpreters: Sequence[InterpreterName]
    threads: Sequence[int]
    settings: BenchmarkSettings
    sustained_min: float | None = None
    tune: bool = False


def run(
    bundle: Model,
    plan: Plan,
    say: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Benchmark:
    """Do what ``plan`` says, ``say`` what is happening, and tell ``progress`` how far it is.

    Raises ``UsageError``, ``BundleError``, ``InterpreterError`` or ``SinkError`` (of the choice).
    """
    made_at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    board = read_board()
    planned = combinations(bundle, plan.variants, plan.interpreters, plan.threads)
    bundle.verify(bundle.variant(name).file for name in plan.variants)
    say(
        f"{count_of(len(planned), 'combination')} in {count_of(plan.settings.rounds, 'round')} "
        f"on {board.title}; leave the machine alone meanwhile"
    )
    measured = measure(bundle, planned, plan.settings, progress)
    moments = list(measured.moments)
    sustained = _sustain(bundle, measured.results, plan, say)
    if sustained is not None:
        start_s = moments[-1].elapsed_s
        moments += [
            Moment(elapsed_s=round(start_s + item.elapsed_s, 1), state=item.state)
            for item in sustained.stretches
        ]
    chosen = pick(measured.results, made_at) if plan.tune else {}
    for variant, choice in chosen.items():
        say(f"saved for {variant} in {save_choice(board, bundle, variant, choice)}")
    return Benchmark(
        format=FORMAT,
        made_at=made_at,
        command=shlex.join(["python", "-m", "device", *sys.argv[1:]]),
        liteberry=__version__,
        python=platform.python_version(),
        packages=_versions(),
        machine=board.title,
        board=board,
        priority=_priority(),
        model=bundle.manifest.model,
        bundle_sha256=bundle.sha256,
        settings=plan.settings,
        results=measured.results,
        moments=tuple(moments),
        load=measured.load,
        chosen=chosen,
        sustained=sustained,
        warnings=warnings(board, measured.results, moments, measured.load),
    )


def _sustain(
    bundle: Model, results: Sequence[CombinationResult], plan: Plan, say: Callable[[str], None]
) -> Sustained | None:
    """Run the fastest combination for as long as the plan says; None where none runs."""
    able = [result for result in results if result.invoke is not None]
    if plan.sustained_min is None or not able:
        return None
    best = max(able, key=rate)
    combination = Combination(best.variant, best.interpreter, best.threads)
    say(f"{best.name}: {plan.sustained_min:g} min without a pause")
    stretches: list[Stretch] = []
    next_s = 0.0
    try:
        for stretch in sustain(bundle, combination, plan.settings, plan.sustained_min * 60):
            stretches.append(stretch)
            if stretch.elapsed_s >= next_s:
                next_s = stretch.elapsed_s + TELL_EVERY_S
                heat = stretch.state.temperature_c
                warmth = "" if heat is None else f", {heat:.0f} °C"
                say(f"  after {stretch.elapsed_s:.0f} s: {stretch.fps:.1f} FPS{warmth}")
    except InterpreterError as exc:  # what was measured until then is kept
        say(f"warning: the sustained run ended early: {exc}")
        if not stretches:
            return None
    return Sustained(
        **combination._asdict(),
        end_to_end=plan.settings.source is not None,
        stretches=tuple(stretches),
    )


def _priority() -> str:
    """How the scheduler treats this process, and with it those that measure."""
    # Elsewhere nobody can be asked, and little is real-time.
    if sys.platform == "linux" and os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
        return f"real-time {os.sched_getparam(0).sched_priority}"
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return f"nice {nice}" if nice else "normal"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
