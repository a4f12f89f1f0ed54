"""Pieces of charts as inline SVG: no scripts, no fonts of their own, colours from the style sheet.

All charts are 360 units wide, so that their text is readable at its own size on a phone. Each is
one image to a screen reader, with a title and a description that holds the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device.charts.axis import Axis
from device.charts.markup import escape

WIDTH = 360
CHARACTER = 6.6  # units that a character of the labels is wide, on average

Box = tuple[float, float, float, float]  # left, top, right, bottom


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """A line of text whose baseline begins at ``x, y``; ``kind`` is its classes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line; ``kind`` is its classes."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(start: float, end: float, middle: float, kind: str) -> str:
    """A bar from left to right, a unit wide at least, 11 high around ``middle``."""
    return (
        f'<rect x="{start:.1f}" y="{middle - 5.5:.1f}" width="{max(end - start, 1):.1f}" '
        f'height="11" rx="2" class="{kind}"/>'
    )


def image(name: str, title: str, description: str, height: float, parts: Sequence[str]) -> str:
    """A whole chart; ``name`` is its own on the page, ``parts`` are drawn in their order."""
    head = (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
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


def grid(axis: Axis, top: float, bottom: float) -> Iterator[str]:
    """Vertical lines with their numbers below."""
    for tick, said in zip(axis.ticks, tick_texts(axis.ticks), strict=True):
        yield line(axis(tick), top, axis(tick), bottom, "zero" if tick == 0 else "grid")
        yield text(axis(tick), bottom + 14, said, "tick mid")


def frame(x_axis: Axis, y_axis: Axis, x_title: str, y_title: str) -> Iterator[str]:
    """Both axes of a chart with their titles; the vertical one runs upwards."""
    left, right, bottom = x_axis.start, x_axis.end, y_axis.start
    yield text(0, 14, y_title, "axis")
    for tick, said in zip(y_axis.ticks, tick_texts(y_axis.ticks), strict=True):
        yield line(left, y_axis(tick), right, y_axis(tick), "grid")
        yield text(left - 6, y_axis(tick) + 4, said, "tick end")
    for tick, said in zip(x_axis.ticks, tick_texts(x_axis.ticks), strict=True):
        yield text(x_axis(tick), bottom + 16, said, "tick mid")
    yield line(left, bottom, right, bottom, "base")
    yield text(right, bottom + 34, x_title, "axis end")


def _overlaps(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place_label(
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
