"""The chart of a trade-off: cost against loss, and the frontier of what was tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from device.charts import svg
from device.charts.axis import log_axis, round_axis

CHARACTER = 6.6  # of a label, at most
LINE = 12.0  # from one baseline to the next
# Of a baseline from its point, the nearest first: where the frontier's line, which comes from the
# left and goes on to the right, crosses it least.
AFTER = (-6.0, 14.0, -20.0, 28.0, -34.0)
BEFORE = (-16.0, 14.0, -30.0, 28.0)
DOT = 5.0  # radius


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
    spots = place_labels(
        [(x_axis(dot.x), y_axis(dot.y), dot.label if dot.label in named else "") for dot in dots],
        (left, right),
        (LINE, bottom),
    )
    for dot in sorted(dots, key=lambda dot: dot.accent):
        kind = " accent" if dot.accent else ""
        radius = 5 if dot.accent else 3
        parts.append(
            f'<circle cx="{x_axis(dot.x):.1f}" cy="{y_axis(dot.y):.1f}" r="{radius}" '
            f'class="dot{kind}"/>'
        )
    parts += [svg.text(spot.x, spot.y, label, spot.kind) for label, spot in spots]
    said = "; ".join(f"{dot.label}: {dot.x:.2f}, {dot.y:.2f}" for dot in edge)
    return svg.image(name, title, f"{x_title}, then {y_title}. {said}", bottom + 40, parts)


class Spot(NamedTuple):
    """Where a label stands: its baseline, which end of it is at ``x``, and the sides it covers."""

    x: float
    y: float
    kind: str
    start: float
    end: float


def place_labels(
    points: Sequence[tuple[float, float, str]],
    across: tuple[float, float],
    down: tuple[float, float],
) -> list[tuple[str, Spot]]:
    """A spot for the label of each of ``points``, x, y and label, within ``across`` and ``down``.

    Points whose label is empty have none. Beside its point, above or below, where it covers no
    point and no label that is placed already; where all do, the first that covers no label, else
    the first that is inside.
    """
    placed: list[tuple[str, Spot]] = []
    for x, y, label in points:
        if not label:
            continue
        width = CHARACTER * len(label)
        after = [Spot(x + 7, y + aside, "tick", x + 7, x + 7 + width) for aside in AFTER]
        before = [Spot(x - 7, y + aside, "tick end", x - 7 - width, x - 7) for aside in BEFORE]
        inside = [
            spot
            for spot in after + before
            if across[0] <= spot.start and spot.end <= across[1] and down[0] <= spot.y <= down[1]
        ]
        free = [spot for spot in inside if not any(_cover(spot, other) for _, other in placed)]
        clear = [spot for spot in free if not any(_hits(spot, *point[:2]) for point in points)]
        placed.append((label, (clear or free or inside or after)[0]))
    return placed


def _cover(one: Spot, other: Spot) -> bool:
    beside = one.end <= other.start or other.end <= one.start
    return not beside and abs(one.y - other.y) < LINE


def _hits(spot: Spot, x: float, y: float) -> bool:
    across = spot.start - DOT < x < spot.end + DOT
    return across and spot.y - LINE - DOT / 2 < y < spot.y + DOT


def cheapest_first(dots: Sequence[Dot]) -> list[Dot]:
    """The frontier: those that lose less than all that cost less."""
    kept: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.x, dot.y)):
        if not kept or dot.y < kept[-1].y:
            kept.append(dot)
    return kept
