"""Charts as inline SVG: no scripts, no fonts of their own, colours from the page's style sheet.

All are 360 units wide, so that their text is readable at its own size on a phone. Each is one
image to a screen reader, with a title and a description that holds the numbers.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convert.axis import Axis, log_axis, round_axis, spread

WIDTH = 360
CHARACTER = 6.6  # units that a character of the labels is wide, on average
LOG_ABOVE = 10  # ratio of times from which bars are drawn on a logarithmic axis
CROWDED = 10  # units that two points are drawn apart at least

Box = tuple[float, float, float, float]  # left, top, right, bottom


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


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _text(x: float, y: float, content: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{_escape(content)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _svg(name: str, title: str, description: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{_escape(title)}</title>'
        f'<desc id="{name}-desc">{_escape(description)}</desc>'
    )
    return head + "".join(parts) + "</svg>"


def shorten(text: str, characters: int) -> str:
    """``text``, its end replaced by an ellipsis where it is longer than ``characters``."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """The numbers of an axis, all with as many decimals as the one that needs most."""
    digits = max((len(f"{tick:.10g}".partition(".")[2]) for tick in ticks), default=0)
    return [f"{tick:.{digits}f}".replace("-", "\N{MINUS SIGN}") for tick in ticks]


def tenths(value: float) -> str:
    """``value`` with one decimal and a real minus, and never minus zero."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "\N{MINUS SIGN}")


def _grid(axis: Axis, top: float, bottom: float) -> Iterator[str]:
    """Vertical lines with their numbers below."""
    for tick, said in zip(axis.ticks, tick_texts(axis.ticks), strict=True):
        yield _line(axis(tick), top, axis(tick), bottom, "zero" if tick == 0 else "grid")
        yield _text(axis(tick), bottom + 14, said, "tick mid")


def _overlaps(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _place_label(
    label: str, x: float, y: float, taken: Sequence[Box], limits: Box
) -> tuple[str, float, Box]:
    """Which end of a label is at its point, its baseline, and the box it takes, covering nothing.

    The end is a class of the style sheet: nothing for the left one, ``end`` for the right.
    """
    width = len(label) * CHARACTER
    offsets = sorted(range(-72, 73, 6), key=abs)
    for offset in offsets:
        for end, left in (("", x + 8), ("end", x - 8 - width)):
            box = (left, y + offset - 7, left + width, y + offset + 7)
            inside = box[0] >= limits[0] and box[2] <= limits[2]
            inside = inside and box[1] >= limits[1] and box[3] <= limits[3]
            if inside and not any(_overlaps(box, other) for other in taken):
                return end, y + offset + 4, box
    left = min(x + 8, limits[2] - width)
    return "", y + 4, (left, y - 7, left + width, y + 7)


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
    parts = [_text(0, 14, y_title, "axis")]
    for tick, said in zip(y_axis.ticks, tick_texts(y_axis.ticks), strict=True):
        parts.append(_line(left, y_axis(tick), right, y_axis(tick), "grid"))
        parts.append(_text(left - 6, y_axis(tick) + 4, said, "tick end"))
    for tick, said in zip(x_axis.ticks, tick_texts(x_axis.ticks), strict=True):
        parts.append(_text(x_axis(tick), bottom + 16, said, "tick mid"))
    parts.append(_line(left, bottom, right, bottom, "base"))
    parts.append(_text(right, bottom + 34, x_title, "axis end"))
    taken: list[Box] = []
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
            parts.append(_line(x, y_axis(low), x, y_axis(high), "whisker" + kind))
            parts.extend(
                _line(x - 3.5, y_axis(end), x + 3.5, y_axis(end), "whisker" + kind)
                for end in (low, high)
            )
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="dot{kind}"/>')
        text = shorten(point.label, 16)
        end, baseline, box = _place_label(text, x, y, taken, (left, top - 8, WIDTH, bottom))
        taken.append(box)
        near = box[2] if end else box[0]
        if abs(baseline - 4 - y) > 8:
            parts.append(_line(x, y, near, baseline - 4, "leader"))
        parts.append(_text(near, baseline, text, f"label {end}{kind}"))
    return _svg(name, title, f"{x_title}, then {y_title}. " + "; ".join(told), bottom + 40, parts)


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
    parts = list(_grid(axis, top, bottom))
    said = []
    for number, row in enumerate(rows):
        y = top + step * (number + 0.5)
        kind = " accent" if row.accent else ""
        said.append(f"{row.label}: {row.value:.1f}")
        if row.interval is not None:
            low, high = row.interval
            said[-1] += f" (between {low:.1f} and {high:.1f})"
            parts.append(_line(axis(low), y, axis(high), y, "whisker" + kind))
            parts.extend(
                _line(axis(end), y - 4, axis(end), y + 4, "whisker" + kind) for end in (low, high)
            )
        parts.append(f'<circle cx="{axis(row.value):.1f}" cy="{y:.1f}" r="4.5" class="dot{kind}"/>')
        parts.append(_text(left - 12, y + 4, shorten(row.label, 14), "label end" + kind))
        parts.append(_text(WIDTH, y + 4, tenths(row.value), "number end" + kind))
    parts.append(_text(WIDTH, bottom + 32, x_title, "axis end"))
    return _svg(name, title, f"{x_title}. " + "; ".join(said), bottom + 38, parts)


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
        rows.append(_text(0, y - 6, shorten(heading, 50), "label strong"))
        for bar in group:
            middle = y + step / 2 - 2
            kind = " accent" if bar.accent else ""
            rows.append(_text(left - 8, middle + 4, shorten(bar.label, 14), "label end" + kind))
            if bar.value is None:
                lines = textwrap.wrap(shorten(bar.reason, 80), 40)
                rows.extend(
                    _text(left + 3, middle + 4 + 13 * number, line, "missing")
                    for number, line in enumerate(lines)
                )
                said.append(f"{heading}, {bar.label}: {bar.reason}")
                y += step + 13 * max(0, len(lines) - 1)
                continue
            end = max(axis(bar.value), left + 1)
            rows.append(
                f'<rect x="{left:.1f}" y="{middle - 5.5:.1f}" width="{end - left:.1f}" '
                f'height="11" rx="2" class="bar{kind}"/>'
            )
            rows.append(_text(end + 5, middle + 4, f"{bar.value:.1f}", "number" + kind))
            said.append(f"{heading}, {bar.label}: {bar.value:.1f} ms")
            y += step
        y += 4
    scale = x_title + (", logarithmic scale" if log else "")
    parts = [*_grid(axis, top + 22, y), *rows, _text(WIDTH, y + 32, scale, "axis end")]
    return _svg(name, title, f"{scale}. " + "; ".join(said), y + 38, parts), log


def changes(name: str, title: str, pairs: Sequence[Pair], longest: float, x_title: str) -> str:
    """A bar per pair, as long as what it lost in points, and both its figures.

    ``longest`` is the loss at which the axis may end, so that charts can share it; more than 0.
    """
    left, right, top, step = 104.0, 268.0, 4.0, 22.0
    bottom = top + step * len(pairs)
    axis = round_axis([0.0, longest], left, right)
    parts = list(_grid(axis, top, bottom))
    said = []
    for number, pair in enumerate(pairs):
        y = top + step * (number + 0.5)
        lost = (pair.before - pair.after) * 100
        width = max(axis(lost) - left, 1.0)
        parts.append(_text(left - 8, y + 4, shorten(pair.label, 15), "label end"))
        parts.append(
            f'<rect x="{left:.1f}" y="{y - 5.5:.1f}" width="{width:.1f}" height="11" rx="2" '
            'class="bar"/>'
        )
        parts.append(_text(left + width + 5, y + 4, tenths(lost), "number"))
        figures = f"{pair.before:.2f} \N{RIGHTWARDS ARROW} {pair.after:.2f}"
        parts.append(_text(WIDTH, y + 4, figures, "tick end"))
        said.append(f"{pair.label}: {pair.before:.3f} to {pair.after:.3f}")
    parts.append(_text(right, bottom + 32, x_title, "axis end"))
    return _svg(name, title, f"{x_title}. " + "; ".join(said), bottom + 38, parts)
