"""The chart of a trade-off: cost against loss, and the frontier of what was tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from device.charts import svg
from device.charts.axis import log_axis, round_axis


@dataclass(frozen=True, slots=True)
class Dot:
    """A network: ``x`` its cost, ``y`` what it loses."""

    label: str
    x: float
    y: float
    accent: bool = False


def trade_off(
    name: str,
    title: str,
    dots: Sequence[Dot],
    x_title: str,
    y_title: str,
    *,
    named: Collection[str] = (),
    log: bool = False,
) -> str:
    """Cost against loss, and a line along those that nothing cheaper equals. ``dots`` not empty.

    Dots in ``named`` have their label beside them. ``log`` draws the losses, then all above 0, on
    a logarithmic axis.
    """
    top, bottom, left, right = 30.0, 232.0, 48.0, 348.0
    x_axis = round_axis([0.0, *(dot.x for dot in dots)], left, right)
    heights = [dot.y for dot in dots]
    y_axis = log_axis(heights, bottom, top) if log else round_axis([0.0, *heights], bottom, top)
    parts = list(svg.frame(x_axis, y_axis, x_title, y_title))
    edge = cheapest_first(dots)
    for one, other in pairwise(edge):
        for x_from, y_from, x_to, y_to in (
            (one.x, one.y, other.x, one.y),
            (other.x, one.y, other.x, other.y),
        ):
            parts.append(
                svg.line(x_axis(x_from), y_axis(y_from), x_axis(x_to), y_axis(y_to), "whisker")
            )
    for dot in sorted(dots, key=lambda dot: dot.accent):
        kind = " accent" if dot.accent else ""
        radius = 5 if dot.accent else 3
        parts.append(
            f'<circle cx="{x_axis(dot.x):.1f}" cy="{y_axis(dot.y):.1f}" r="{radius}" '
            f'class="dot{kind}"/>'
        )
        if dot.label in named:
            x = x_axis(dot.x)
            far = x > (left + right) / 2 + 80
            parts.append(
                svg.text(x - 7, y_axis(dot.y) - 16, dot.label, "tick end")
                if far
                else svg.text(x + 7, y_axis(dot.y) - 6, dot.label, "tick")  # above the line
            )
    said = "; ".join(f"{dot.label}: {dot.x:.2f}, {dot.y:.2f}" for dot in edge)
    return svg.image(name, title, f"{x_title}, then {y_title}. {said}", bottom + 40, parts)


def cheapest_first(dots: Sequence[Dot]) -> list[Dot]:
    """The frontier: those that lose less than all that cost less."""
    kept: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.x, dot.y)):
        if not kept or dot.y < kept[-1].y:
            kept.append(dot)
    return kept
