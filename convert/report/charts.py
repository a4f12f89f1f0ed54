"""Charts of a report: accuracy against size, losses, times and what classes lost."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from device.charts import svg
from device.charts.axis import log_axis, round_axis, spread

LOG_ABOVE = 10  # ratio of times from which bars are drawn on a logarithmic axis
CROWDED = 10  # units that two points are drawn apart at least


@dataclass(frozen=True, slots=True)
class Point:
    """A figure with an interval, at a size."""

    label: str
    x: float
    y: float
    interval: tuple[float, float] | None = None
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """How much a figure fell, in points, and the interval of that."""

    label: str
    value: float
    interval: tuple[float, float] | None = None
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A time, or the reason why there is none."""

    label: str
    value: float | None
    reason: str = ""
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure before and after."""

    label: str
    before: float
    after: float


def scatter(
    name: str, title: str, points: Sequence[Point], x_title: str, y_title: str, digits: int = 3
) -> str:
    """Points with whiskers and their labels beside them; sizes from zero.

    Points that would hide each other are drawn a little apart. ``points`` is not empty.
    """
    top, bottom, left, right = 30.0, 232.0, 42.0, 348.0
    x_axis = round_axis([0.0, *(point.x for point in points)], left, right)
    heights = [bound for point in points for bound in (point.y, *(point.interval or ()))]
    if min(heights) == max(heights):  # shares that are all 1 get no room above it
        heights.append(heights[0] - 0.1)
    y_axis = round_axis(heights, bottom, top)
    columns = spread([x_axis(point.x) for point in points], CROWDED)
    parts = list(svg.frame(x_axis, y_axis, x_title, y_title))
    taken: list[svg.Box] = []
    for x, point in zip(columns, points, strict=True):
        low, high = point.interval or (point.y, point.y)
        taken.append((x - 5, y_axis(high) - 2, x + 5, y_axis(low) + 2))
        taken.append((x - 6, y_axis(point.y) - 6, x + 6, y_axis(point.y) + 6))
    told = []
    for x, point in sorted(zip(columns, points, strict=True), key=lambda item: -item[1].y):
        kind = " accent" if point.accent else ""
        y = y_axis(point.y)
        told.append(f"{point.label}: {point.x:.2f}, {point.y:.{digits}f}")
        if point.interval is not None:
            low, high = point.interval
            told[-1] += f" (between {low:.{digits}f} and {high:.{digits}f})"
            parts.append(svg.line(x, y_axis(low), x, y_axis(high), "whisker" + kind))
            parts.extend(
                svg.line(x - 3.5, y_axis(end), x + 3.5, y_axis(end), "whisker" + kind)
                for end in (low, high)
            )
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="dot{kind}"/>')
        text = svg.shorten(point.label, 16)
        end, baseline, box = svg.place_label(text, x, y, taken, (left, top - 8, svg.WIDTH, bottom))
        taken.append(box)
        near = box[2] if end else box[0]
        if abs(baseline - 4 - y) > 8:
            parts.append(svg.line(x, y, near, baseline - 4, "leader"))
        parts.append(svg.text(near, baseline, text, f"label {end}{kind}"))
    return svg.image(
        name, title, f"{x_title}, then {y_title}. " + "; ".join(told), bottom + 40, parts
    )


def is_crowded(points: Sequence[Point]) -> bool:
    """Whether :func:`scatter` draws some points beside their true size."""
    axis = round_axis([0.0, *(point.x for point in points)], 42.0, 348.0)
    columns = [axis(point.x) for point in points]
    return spread(columns, CROWDED) != columns


def losses(name: str, title: str, rows: Sequence[Loss], x_title: str) -> str:
    """A row per variant: a point and its interval, beside a line at zero. ``rows`` is not empty."""
    left, right, top, step = 96.0, 290.0, 8.0, 30.0
    bottom = top + step * len(rows)
    bounds = [bound for row in rows for bound in (row.value, *(row.interval or ()))]
    axis = round_axis([0.0, *bounds], left, right)
    parts = list(svg.grid(axis, top, bottom))
    said = []
    for number, row in enumerate(rows):
        y = top + step * (number + 0.5)
        kind = " accent" if row.accent else ""
        said.append(f"{row.label}: {row.value:.1f}")
        if row.interval is not None:
            low, high = row.interval
            said[-1] += f" (between {low:.1f} and {high:.1f})"
            parts.append(svg.line(axis(low), y, axis(high), y, "whisker" + kind))
            parts.extend(
                svg.line(axis(end), y - 4, axis(end), y + 4, "whisker" + kind)
                for end in (low, high)
            )
        parts.append(f'<circle cx="{axis(row.value):.1f}" cy="{y:.1f}" r="4.5" class="dot{kind}"/>')
        parts.append(svg.text(left - 12, y + 4, svg.shorten(row.label, 14), "label end" + kind))
        parts.append(svg.text(svg.WIDTH, y + 4, svg.tenths(row.value), "number end" + kind))
    parts.append(svg.text(svg.WIDTH, bottom + 32, x_title, "axis end"))
    return svg.image(name, title, f"{x_title}. " + "; ".join(said), bottom + 38, parts)


def bars(
    name: str, title: str, groups: Sequence[tuple[str, Sequence[Bar]]], x_title: str
) -> tuple[str, bool]:
    """Bars of times in groups, and whether their axis is logarithmic.

    It is where the longest is more than ten times the shortest. A bar without a time says why.
    """
    left, right, top, step = 100.0, 306.0, 4.0, 19.0
    times = [bar.value for _, group in groups for bar in group if bar.value]
    log = bool(times) and max(times) / min(times) > LOG_ABOVE
    axis = (
        log_axis(times, left, right) if log else round_axis([0.0, *(times or [1.0])], left, right)
    )
    rows, said = [], []
    y = top
    for heading, group in groups:
        y += 22
        rows.append(svg.text(0, y - 6, svg.shorten(heading, 50), "label strong"))
        for bar in group:
            middle = y + step / 2 - 2
            kind = " accent" if bar.accent else ""
            rows.append(
                svg.text(left - 8, middle + 4, svg.shorten(bar.label, 14), "label end" + kind)
            )
            if bar.value is None:
                lines = textwrap.wrap(svg.shorten(bar.reason, 80), 40)
                rows.extend(
                    svg.text(left + 3, middle + 4 + 13 * number, line, "missing")
                    for number, line in enumerate(lines)
                )
                said.append(f"{heading}, {bar.label}: {bar.reason}")
                y += step + 13 * max(0, len(lines) - 1)
                continue
            end = max(axis(bar.value), left + 1)
            rows.append(svg.bar(left, end, middle, "bar" + kind))
            rows.append(svg.text(end + 5, middle + 4, f"{bar.value:.1f}", "number" + kind))
            said.append(f"{heading}, {bar.label}: {bar.value:.1f} ms")
            y += step
        y += 4
    scale = x_title + (", logarithmic scale" if log else "")
    parts = [*svg.grid(axis, top + 22, y), *rows, svg.text(svg.WIDTH, y + 32, scale, "axis end")]
    return svg.image(name, title, f"{scale}. " + "; ".join(said), y + 38, parts), log


def changes(name: str, title: str, pairs: Sequence[Pair], longest: float, x_title: str) -> str:
    """A bar per pair, as long as what it lost in points, and both its figures.

    ``longest`` is the loss at which the axis may end, so that charts can share it; more than 0.
    """
    left, right, top, step = 104.0, 268.0, 4.0, 22.0
    bottom = top + step * len(pairs)
    axis = round_axis([0.0, longest], left, right)
    parts = list(svg.grid(axis, top, bottom))
    said = []
    for number, pair in enumerate(pairs):
        y = top + step * (number + 0.5)
        lost = (pair.before - pair.after) * 100
        width = max(axis(lost) - left, 1.0)
        parts.append(svg.text(left - 8, y + 4, svg.shorten(pair.label, 15), "label end"))
        parts.append(svg.bar(left, left + width, y, "bar"))
        parts.append(svg.text(left + width + 5, y + 4, svg.tenths(lost), "number"))
        figures = f"{pair.before:.2f} \N{RIGHTWARDS ARROW} {pair.after:.2f}"
        parts.append(svg.text(svg.WIDTH, y + 4, figures, "tick end"))
        said.append(f"{pair.label}: {pair.before:.3f} to {pair.after:.3f}")
    parts.append(svg.text(right, bottom + 32, x_title, "axis end"))
    return svg.image(name, title, f"{x_title}. " + "; ".join(said), bottom + 38, parts)
