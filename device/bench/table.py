"""Tables of a benchmark, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device.bench.comparison import FigureChange
from device.bench.record import Benchmark, CombinationResult, Sustained
from device.bench.timing import TimingSummary
from device.system.board import throttled_now
from device.system.console import count_of

INVOKE_HEADING = (
    "variant", "interpreter", "threads", "load", "first", "median", "p90", "p99", "std", "FPS",
    "CPU %", "PSS MB", "peak MB",
)  # fmt: skip


def align(rows: Sequence[Sequence[str]], left: int) -> str:
    """Rows as lines, their first ``left`` columns flush left, the others flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def format_benchmark(benchmark: Benchmark) -> str:
    """All that was measured, as lines to print; the warnings come apart from it."""
    board = benchmark.board
    features = ", ".join(board.cpu.features) or "no vector extensions that matter here"
    parts = [
        f"{benchmark.machine}: {count_of(board.cpu.cores, 'core')}, {features}; {board.os}",
        f"{benchmark.model}, {_how(benchmark)}",
    ]
    measured = [result for result in benchmark.results if result.invoke is not None]
    if measured:
        parts += ["", "invoke alone, ms", _invokes(measured)]
    if any(result.end_to_end for result in measured):
        parts += ["", f"end to end from {benchmark.settings.source}, ms per frame"]
        parts.append(_frames(measured))
    beside = list(_references(measured))
    if beside:
        parts += ["", "beside other loops over the same file and threads", *beside]
    failed = [result for result in benchmark.results if result.error]
    parts += ["", *(f"{result.name}: {result.error}" for result in failed)] if failed else []
    if benchmark.sustained is not None:
        parts += ["", format_sustained(benchmark.sustained)]
    if benchmark.chosen:
        parts.append("")
    for variant, choice in benchmark.chosen.items():
        threads = count_of(choice.threads, "thread")
        parts.append(f"best here for {variant}: {choice.interpreter}, {threads}")
    return "\n".join(parts)


def _how(benchmark: Benchmark) -> str:
    settings = benchmark.settings
    costs = [item.timing_cost_percent for item in benchmark.results if item.timing_cost_percent]
    cost = f"; timing itself adds at most {max(costs):.3f} %" if costs else ""
    return (
        f"{count_of(settings.rounds, 'round')} of at least {settings.min_count} invokes and "
        f"{settings.min_time_s:g} s, {settings.warmups} warm-ups before each{cost}"
    )


def _invokes(results: Sequence[CombinationResult]) -> str:
    rows: list[tuple[str, ...]] = [INVOKE_HEADING]
    for result in results:
        invoke, memory = result.invoke, result.memory
        assert invoke is not None
        assert memory is not None
        share = "" if memory.proportional_mb is None else f"{memory.proportional_mb:.0f}"
        rows.append(
            (
                *_name(result),
                f"{result.load_ms or 0:.0f}",
                f"{result.first_invoke_ms or 0:.1f}",
                *_times(invoke),
                f"{invoke.std_ms:.2f}",
                f"{result.fps or 0:.1f}",
                f"{result.cpu_percent or 0:.0f}",
                share,
                f"{memory.peak_mb:.0f}",
            )
        )
    return align(rows, left=2)


def _frames(results: Sequence[CombinationResult]) -> str:
    measured = [(item, item.end_to_end) for item in results if item.end_to_end is not None]
    stages = measured[0][1].stages
    heading = ("FPS", "median", "p90", "p99", "age", *stages, "CPU %", "peak MB")
    rows: list[tuple[str, ...]] = [("variant", "interpreter", "threads", *heading)]
    for result, whole in measured:
        rows.append(
            (
                *_name(result),
                f"{whole.fps:.1f}",
                *_times(whole.frame),
                f"{whole.age.median_ms:.2f}",
                *(f"{stage.median_ms:.2f}" for stage in whole.stages.values()),
                f"{whole.cpu_percent:.0f}",
                f"{whole.memory.peak_mb:.0f}",
            )
        )
    return align(rows, left=2)


def _references(results: Sequence[CombinationResult]) -> Iterator[str]:
    for result in results:
        for other in result.references:
            assert result.invoke is not None
            if other.error:
                yield f"{result.name}: {other.name} fails: {other.error}"
                continue
            yield (
                f"{result.name}: {result.invoke.median_ms:.2f} ms here, "
                f"{other.median_ms:.2f} ms in {other.name}, ratio {other.ratio:.3f}"
            )


def _name(result: CombinationResult) -> tuple[str, str, str]:
    return result.variant, f"{result.interpreter} {result.version}", str(result.threads)


def _times(figures: TimingSummary) -> tuple[str, str, str]:
    return f"{figures.median_ms:.2f}", f"{figures.p90_ms:.2f}", f"{figures.p99_ms:.2f}"


def format_sustained(sustained: Sustained) -> str:
    """The beginning, the end and the slowest stretch of a sustained run."""
    stretches = sustained.stretches
    what = "whole frames" if sustained.end_to_end else "invokes"
    rows = [("after", "FPS", "median ms", "MHz", "°C", "")]
    slowest = min(stretches, key=lambda stretch: stretch.fps)
    for stretch in dict.fromkeys((stretches[0], slowest, stretches[-1])):
        state = stretch.state
        rows.append(
            (
                f"{stretch.elapsed_s:.0f} s",
                f"{stretch.fps:.1f}",
                f"{stretch.median_ms:.2f}",
                "?" if state.clock_mhz is None else f"{state.clock_mhz:.0f}",
                "?" if state.temperature_c is None else f"{state.temperature_c:.1f}",
                ", ".join(throttled_now(state.throttled or 0)),
            )
        )
    return (
        f"sustained: {what}, {sustained.variant} in {sustained.interpreter}, "
        f"{count_of(sustained.threads, 'thread')} (first, slowest and last of "
        f"{len(stretches)} stretches)\n{align(rows, left=0)}"
    )


def format_changes(changes: Sequence[FigureChange]) -> str:
    """A row per figure: before, now, their ratio with its interval, and the verdict."""
    rows = [("", "old ms", "new ms", "ratio", "95 % of it", "verdict")]
    for change in changes:
        between = "" if change.interval is None else "{:.3f} to {:.3f}".format(*change.interval)
        rows.append(
            (
                change.name,
                f"{change.old_ms:.2f}",
                "" if change.new_ms is None else f"{change.new_ms:.2f}",
                "" if change.ratio is None else f"{change.ratio:.3f}",
                between,
                change.verdict,
            )
        )
    return align(rows, left=1)
