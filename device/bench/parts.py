"""The parts of a benchmark's page that show figures, each as a chart and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from device.bench.charts import (
    Line,
    Row,
    distribution_axes,
    distributions,
    memories,
    memory_axis,
    over_time,
    rates,
)
from device.bench.record import Benchmark, CombinationResult, Times
from device.bench.timing import TimingSummary
from device.charts.markup import escape, figure, table
from device.system.console import count_of

Item = TypeVar("Item")
Scale = TypeVar("Scale")

READING = (
    "<p>Behind each variant is the number of threads. The bar is the median; the wider the shape "
    "beside it, the more often such a time came.</p>"
)


def latency(results: Sequence[CombinationResult]) -> str:
    """How long one invoke takes."""
    if not results:
        return ""
    fastest = min(results, key=_median_ms)
    rows = [(item, _times_row(item, item.rounds_ms, item is fastest)) for item in results]
    axes = distribution_axes([row for _, row in rows])
    cells = []
    for result in results:
        assert result.invoke is not None
        start = (result.import_ms, result.load_ms, result.first_invoke_ms)
        cells.append(
            [
                escape(result.name),
                *(f"{time_ms or 0:.1f}" for time_ms in start),
                *_cells(result.invoke),
                f"{result.fps or 0:.1f}",
                f"{result.cpu_percent or 0:.0f}",
            ]
        )
    numbers = table(
        "latency-table",
        "Milliseconds, invokes per second, and CPU, where 100 is one core",
        _heads("import", "load", "first", "median", "p90", "p99", "std", "FPS", "CPU&nbsp;%"),
        cells,
    )
    title = "Time of one invoke"
    return READING + _charts("latency", title, rows, axes, distributions) + numbers


def threads(results: Sequence[CombinationResult]) -> str:
    """What more threads bring; empty where none was measured with more than one number of them."""
    charts: list[str] = []
    for heading, members in _by_interpreter([(item, item) for item in results]).items():
        points: dict[str, list[tuple[float, float]]] = {}
        for result in sorted(members, key=lambda result: result.threads):
            points.setdefault(result.variant, []).append((result.threads, result.best_fps))
        if all(len(measured) < 2 for measured in points.values()):
            continue
        fastest = max(points, key=lambda variant: max(y for _, y in points[variant]))
        lines = [Line(variant, points[variant], variant == fastest) for variant in points]
        name = f"threads-{len(charts)}"
        chart = rates(name, f"Threads against FPS, {heading}", lines, "threads", "FPS")
        charts.append(figure(chart, heading=escape(heading)))
    return _side_by_side(charts)


def frames(benchmark: Benchmark) -> str:
    """How long whole frames take, and their stages; empty where none were measured."""
    pairs = [(result, result.end_to_end) for result in benchmark.results]
    measured = [(result, whole) for result, whole in pairs if whole is not None]
    if not measured:
        return ""
    fastest = max((result for result, _ in measured), key=lambda result: result.best_fps)
    rows = [(item, _times_row(item, whole.rounds_ms, item is fastest)) for item, whole in measured]
    axes = distribution_axes([row for _, row in rows])
    stages = [escape(stage) for stage in measured[0][1].stages]
    numbers = table(
        "frames-table",
        "Milliseconds per frame, and medians of its age and of each stage",
        _heads("FPS", "median", "p90", "p99", "std", "age", *stages, "CPU&nbsp;%", "peak&nbsp;MB"),
        [
            [
                escape(result.name),
                f"{whole.fps:.1f}",
                *_cells(whole.frame),
                f"{whole.age.median_ms:.2f}",
                *(f"{stage.median_ms:.2f}" for stage in whole.stages.values()),
                f"{whole.cpu_percent:.0f}",
                f"{whole.memory.peak_mb:.0f}",
            ]
            for result, whole in measured
        ],
    )
    said = (
        f"<p>Frames of {escape(benchmark.settings.source)} through the pipeline that detect runs, "
        "nothing drawn. Its stages overlap, so that together they take longer than a frame does. "
        "The age of a frame is from the end of its capture until its objects are known.</p>"
    )
    title = "From one finished frame to the next"
    return said + _charts("frames", title, rows, axes, distributions) + numbers


def memory(results: Sequence[CombinationResult]) -> str:
    """What the process that invokes takes."""
    rows = []
    for result in results:
        if result.memory is not None:
            share = result.memory.proportional_mb
            sizes = [result.memory.peak_mb] if share is None else [result.memory.peak_mb, share]
            rows.append((result, Row(_short(result), sizes)))
    if not rows:
        return ""
    said = (
        "<p>The number is the peak of resident memory, the darker part the process's share: pages "
        "that it has in common with other processes are divided among them.</p>"
    )
    axis = memory_axis([row for _, row in rows])
    return said + _charts("memory", "Memory of the process that invokes", rows, axis, memories)


def warmth(benchmark: Benchmark) -> str:
    """Temperature and clock during the run, and the rate of a sustained one."""
    moments, sustained = benchmark.moments, benchmark.sustained
    said = ""
    if not any(item.state.temperature_c for item in moments):
        said = "<p>This machine tells no temperature.</p>"
    tracks = {
        "temperature, °C": [(item.elapsed_s, item.state.temperature_c) for item in moments],
        "clock, MHz": [(item.elapsed_s, item.state.clock_mhz) for item in moments],
    }
    if sustained is not None:
        what = "whole frames" if sustained.end_to_end else "invokes"
        minutes = sustained.stretches[-1].elapsed_s / 60
        said += (
            f"<p>Sustained: {what} for {minutes:.1f} minutes without a pause, "
            f"{escape(sustained.variant)} in {escape(sustained.interpreter)}, "
            f"{count_of(sustained.threads, 'thread')}.</p>"
        )
        tracks["FPS, sustained"] = [(item.elapsed_s, item.fps) for item in sustained.stretches]
    charts: list[str] = []
    for title, points in tracks.items():
        known = [(x, y) for x, y in points if y is not None]
        if len(known) > 1:
            charts.append(figure(over_time(f"track-{len(charts)}", title, known, title)))
    return said + _side_by_side(charts)


def beside(results: Sequence[CombinationResult]) -> str:
    """Others' loops over the same files; empty where none were measured."""
    rows = []
    for result in results:
        for other in result.references:
            cells = [escape(result.name), escape(other.name), f"{_median_ms(result):.2f}"]
            if other.ratio is None or other.median_ms is None:
                rows.append([*cells, escape(other.error), ""])
            else:
                rows.append([*cells, f"{other.median_ms:.2f}", f"{other.ratio:.3f}"])
    if not rows:
        return ""
    said = "<p>Others' loops over the same file with as many threads, in the same rounds.</p>"
    return said + table(
        "beside-table",
        "Median milliseconds, and the ratio of the two, pair by pair in the same rounds",
        ["combination", "other", "#here", "#other", "#ratio"],
        rows,
    )


def failed(results: Sequence[CombinationResult]) -> str:
    """What could not be measured and why."""
    items = "".join(
        f"<li>{escape(result.name)}: {escape(result.error)}</li>"
        for result in results
        if result.error
    )
    return f"<ul>{items}</ul>" if items else ""


def _median_ms(result: CombinationResult) -> float:
    assert result.invoke is not None
    return result.invoke.median_ms


def _short(result: CombinationResult) -> str:
    return f"{result.variant}, {result.threads}"


def _times_row(result: CombinationResult, rounds_ms: Sequence[Times], accent: bool) -> Row:
    return Row(_short(result), [time_ms for times_ms in rounds_ms for time_ms in times_ms], accent)


def _cells(figures: TimingSummary) -> list[str]:
    values = (figures.median_ms, figures.p90_ms, figures.p99_ms, figures.std_ms)
    return [f"{value:.2f}" for value in values]


def _heads(*numbers: str) -> list[str]:
    """Headings of a table whose first column names a combination and whose others are numbers."""
    return ["combination", *(f"#{number}" for number in numbers)]


def _by_interpreter(items: Sequence[tuple[CombinationResult, Item]]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for result, item in items:
        groups.setdefault(f"{result.interpreter} {result.version}", []).append(item)
    return groups


def _charts(
    name: str,
    title: str,
    rows: Sequence[tuple[CombinationResult, Row]],
    scale: Scale,
    draw: Callable[[str, str, Sequence[Row], Scale], str],
) -> str:
    """A chart per interpreter, all on one scale."""
    return _side_by_side(
        [
            figure(
                draw(f"{name}-{number}", f"{title}, {heading}", members, scale),
                heading=escape(heading),
            )
            for number, (heading, members) in enumerate(_by_interpreter(rows).items())
        ]
    )


def _side_by_side(charts: Sequence[str]) -> str:
    return f'<div class="grid wide">{"".join(charts)}</div>' if charts else ""
