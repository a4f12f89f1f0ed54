"""Charts of a benchmark: distributions, rates, memory, and what changed with time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from device.charts import svg
from device.charts.axis import Axis, log_axis, round_axis, spread

LOG_ABOVE = 10  # ratio of times from which an axis is logarithmic
BIN = 2.0  # units that a column of a distribution is wide
LEFT, RIGHT = 96.0, 312.0  # where the axis of memory begins and ends
LABEL_GAP = 13.0  # units between two labels, one above the other


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one combination."""

    label: str
    values: Sequence[float]
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Points that belong together; x grows."""

    label: str
    points: Sequence[tuple[float, float]]
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """Axes of a chart of distributions: medians at the left, what is around them at the right."""

    medians: Axis  # ms; logarithmic where the greatest is more than ten times the least
    spread: Axis  # percent of the median


def distribution_axes(rows: Sequence[Row]) -> Axes:
    """The same for the charts of all ``rows``, so that they can be compared."""
    medians = [float(np.median(row.values)) for row in rows]
    bounds = [bound for row in rows for bound in _around(row.values, (0.01, 0.99))]
    return Axes(
        _median_axis(medians, 96, 186),
        round_axis([max(-50.0, min(bounds)), 0.0, min(200.0, max(bounds))], 244, 350, intervals=3),
    )


def _median_axis(medians: Sequence[float], start: float, end: float) -> Axis:
    if max(medians) / min(medians) <= LOG_ABOVE:
        return round_axis([0.0, *medians], start, end, intervals=3)
    axis = log_axis(medians, start, end)
    return replace(axis, ticks=tuple(tick for tick in axis.ticks if math.log10(tick).is_integer()))


def distributions(name: str, title: str, rows: Sequence[Row], axes: Axes) -> str:
    """A bar per row as long as its median, and how often which time around it came.

    The shape is a histogram of times in percent of the median, mirrored; what is beyond its axis
    is counted at the end.
    """
    top, step = 22.0, 24.0
    bottom = top + step * len(rows)
    left = axes.medians.start
    scale = "median, ms" + (" (log)" if axes.medians.log else "")
    parts = [
        svg.text(left, 12, scale, "axis"),
        svg.text(axes.spread.start, 12, "around it, %", "axis"),
    ]
    parts += [*svg.grid(axes.medians, top, bottom), *svg.grid(axes.spread, top, bottom)]
    said = []
    for number, row in enumerate(rows):
        middle = top + step * (number + 0.5)
        median, p99 = np.quantile(row.values, (0.5, 0.99))
        kind = " accent" if row.accent else ""
        parts += [
            svg.text(left - 8, middle + 4, row.label, "label end" + kind),
            svg.bar(left, axes.medians(median), middle, "bar" + kind),
            svg.text(axes.medians(median) + 5, middle + 4, _short(median), "number" + kind),
            _shape(axes.spread, _around(row.values), middle, kind),
        ]
        said.append(f"{row.label}: median {median:.2f}, 99th percentile {p99:.2f}")
    return svg.image(name, title, "ms. " + "; ".join(said), bottom + 22, parts)


def _short(median: float) -> str:
    return f"{median:.2f}" if median < 100 else f"{median:.0f}"


def _around(values: Sequence[float], quantiles: Sequence[float] | None = None) -> list[float]:
    """``values``, or some quantiles of them, in percent above or below their median."""
    chosen = values if quantiles is None else np.quantile(values, quantiles)
    relative = np.asarray(chosen) / np.median(values) - 1
    return [float(share) * 100 for share in relative]


def _shape(axis: Axis, values: Sequence[float], middle: float, kind: str) -> str:
    """A mirrored histogram in steps of the axis, 18 units high where it is highest."""
    places = np.array([axis(value) for value in values])
    first = np.floor(places.min() / BIN) * BIN
    edges = np.arange(first, places.max() + 2 * BIN, BIN)
    counts, _ = np.histogram(places, edges)
    heights = counts / counts.max() * 9.0
    above = [(x, height) for i, height in enumerate(heights) for x in (edges[i], edges[i + 1])]
    outline = [(x, middle - height) for x, height in above]
    outline += [(x, middle + height) for x, height in reversed(above)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
    return f'<polygon points="{points}" class="area{kind}"/>'


def rates(name: str, title: str, lines: Sequence[Line], x_title: str, y_title: str) -> str:
    """Lines from zero, each with its label where it ends.

    What is on the x axis are counts: only those that were measured get a tick.
    """
    top, bottom, left, right = 30.0, 200.0, 40.0, 268.0
    counts = sorted({x for line in lines for x, _ in line.points})
    x_axis = Axis(counts[0], counts[-1], left + 8, right, tuple(counts))
    y_axis = round_axis([0.0, *(y for line in lines for _, y in line.points)], bottom, top)
    parts = [svg.text(0, 14, y_title, "axis"), *_levels(y_axis, left, right)]
    parts += [svg.text(x_axis(x), bottom + 16, f"{x:g}", "tick mid") for x in counts]
    parts.append(svg.text(right, bottom + 32, x_title, "axis end"))
    ends = spread([y_axis(line.points[-1][1]) for line in lines], LABEL_GAP)
    for line, end in zip(lines, ends, strict=True):
        kind = " accent" if line.accent else ""
        parts += [_trend(x_axis, y_axis, line.points, kind)]
        parts += [
            f'<circle cx="{x_axis(x):.1f}" cy="{y_axis(y):.1f}" r="3.5" class="dot{kind}"/>'
            for x, y in line.points
        ]
        said = f"{line.label} {line.points[-1][1]:.0f}"
        parts.append(svg.text(right + 8, end + 4, svg.shorten(said, 14), "label" + kind))
    told = "; ".join(
        f"{line.label}: " + ", ".join(f"{y:.1f} with {x:g}" for x, y in line.points)
        for line in lines
    )
    return svg.image(name, title, f"{y_title} by {x_title}. {told}", bottom + 38, parts)


def over_time(name: str, title: str, points: Sequence[tuple[float, float]], y_title: str) -> str:
    """One line over the minutes of a run; ``points`` are (seconds, value), two at least."""
    top, bottom, left, right = 30.0, 150.0, 46.0, 348.0
    minutes = [(seconds / 60, value) for seconds, value in points]
    x_axis = round_axis([0.0, *(x for x, _ in minutes)], left, right)
    values = [value for _, value in minutes]
    # A tenth of the value at least: a clock that stays within 1 MHz is to look steady.
    middle, reach = (min(values) + max(values)) / 2, max(map(abs, values)) / 20
    y_axis = round_axis([*values, middle - reach, middle + reach], bottom, top)
    parts = [svg.text(0, 14, y_title, "axis"), *_levels(y_axis, left, right)]
    for tick, said in zip(x_axis.ticks, svg.tick_texts(x_axis.ticks), strict=True):
        parts.append(svg.text(x_axis(tick), bottom + 16, said, "tick mid"))
    parts.append(svg.text(right, bottom + 32, "minutes", "axis end"))
    parts.append(_trend(x_axis, y_axis, minutes, ""))
    told = f"{values[0]:.1f} at first, {values[-1]:.1f} at last, "
    told += f"between {min(values):.1f} and {max(values):.1f}"
    return svg.image(name, title, f"{y_title} over minutes: {told}", bottom + 38, parts)


def memories(name: str, title: str, rows: Sequence[Row], axis: Axis) -> str:
    """A bar per row as long as its first value, the peak, and a darker one for its second."""
    step = 19.0
    bottom = 4 + step * len(rows)
    parts, said = list(svg.grid(axis, 4, bottom)), []
    for number, row in enumerate(rows):
        middle = 4 + step * (number + 0.5)
        parts.append(svg.text(LEFT - 8, middle + 4, row.label, "label end"))
        for value, kind in zip(row.values, ("area", "bar"), strict=False):
            parts.append(svg.bar(LEFT, axis(value), middle, kind))
        parts.append(svg.text(svg.WIDTH, middle + 4, f"{row.values[0]:.0f}", "number end"))
        said.append(f"{row.label}: " + ", ".join(f"{value:.0f}" for value in row.values))
    parts.append(svg.text(RIGHT, bottom + 30, "MB", "axis end"))
    return svg.image(name, title, "MB, peak and share. " + "; ".join(said), bottom + 36, parts)


def memory_axis(rows: Sequence[Row]) -> Axis:
    """One for the charts of all ``rows``, from zero."""
    return round_axis([0.0, *(row.values[0] for row in rows)], LEFT, RIGHT)


def _levels(axis: Axis, left: float, right: float) -> list[str]:
    """Horizontal lines with their numbers at the left."""
    parts = []
    for tick, said in zip(axis.ticks, svg.tick_texts(axis.ticks), strict=True):
        parts.append(svg.line(left, axis(tick), right, axis(tick), "grid"))
        parts.append(svg.text(left - 6, axis(tick) + 4, said, "tick end"))
    return parts


def _trend(x_axis: Axis, y_axis: Axis, points: Sequence[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in points)
    return f'<polyline points="{path}" class="trend{kind}"/>'
