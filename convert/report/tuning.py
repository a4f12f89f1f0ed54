"""The part of a report that shows what `convert tune` tried: cost against drop, its frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from convert.tuning.log import TrialRecord, TuningLog, finalists
from device.charts import svg
from device.charts.axis import log_axis, round_axis
from device.charts.markup import escape, figure, section, table

_FAINT = 1e-4  # the least output error that is drawn
NAMED = ("int8", "float32")  # dots that a reader knows from elsewhere


@dataclass(frozen=True, slots=True)
class Dot:
    """A candidate: ``x`` its cost, ``y`` what it loses."""

    label: str
    x: float
    y: float
    accent: bool = False


def trade_off(
    name: str, title: str, dots: Sequence[Dot], y_title: str, *, log: bool = False
) -> str:
    """Cost against loss, and a line along those that nothing cheaper equals. ``dots`` not empty.

    ``log`` draws the losses, then all above 0, on a logarithmic axis.
    """
    top, bottom, left, right = 30.0, 232.0, 48.0, 348.0
    x_axis = round_axis([0.0, *(dot.x for dot in dots)], left, right)
    heights = [dot.y for dot in dots]
    y_axis = log_axis(heights, bottom, top) if log else round_axis([0.0, *heights], bottom, top)
    x_title = "cost of one invoke, int8 being 1"
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
        if dot.label in NAMED and not log:  # of all candidates, too many lie there for a name
            x = x_axis(dot.x)
            far = x > (left + right) / 2 + 80
            parts.append(
                svg.text(x - 7, y_axis(dot.y) - 6, dot.label, "tick end")
                if far
                else svg.text(x + 7, y_axis(dot.y) + 4, dot.label, "tick")
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


def tuning(log: TuningLog | None) -> str:
    """Both charts and the finalists; empty where nobody tuned."""
    if log is None or not log.halves:
        return ""
    final = finalists(log)
    anchor = [] if log.float32_cost is None else [Dot("float32", log.float32_cost, 0.0)]
    drops = anchor + [
        Dot(item.name, item.cost, item.drop_unseen or 0.0, item.name == log.kept) for item in final
    ]
    screened = [
        Dot(item.name, item.cost, max(item.output_error, _FAINT), item.name == log.kept)
        for half in log.halves
        for item in half
    ]
    kept = "the variant kept" if log.met else "the closest"
    charts = figure(
        trade_off(
            "tuning-chart",
            "Drop against cost of the finalists",
            drops,
            f"points of {log.metric} lost on pictures not searched",
        ),
        "Down and to the left is better; the line joins those that nothing cheaper equals, and "
        f"{kept} is coloured. Each was judged on the half that its search had not seen.",
    ) + figure(
        trade_off(
            "screening-chart",
            "Output error against cost of all candidates",
            screened,
            "output error against float32",
            log=True,
        ),
        f"All {len(screened)} candidates, screened on a few pictures; the upright axis is "
        "logarithmic.",
    )
    verdict = "keeps" if log.met else "does not keep"
    drop = "" if log.drop is None else f"{log.drop:.2f}"
    within = ""
    if log.drop_interval is not None:
        within = f" ({log.drop_interval[0]:.2f} to {log.drop_interval[1]:.2f} in 95% of resamples)"
    expected = ""
    if log.drop_expected is not None:
        expected = f", and {log.drop_expected:.2f} are to be expected by what all candidates lost"
    said = (
        f"<p>The best found <strong>{verdict}</strong> the limit of {log.max_drop:g} points of "
        f"{escape(log.metric)}: on pictures that its search had not seen it loses {drop} points"
        f"{within}{expected}; int8 loses {log.int8_drop:.2f}. {log.images} pictures, in two "
        f"halves by seed {log.seed}. Cost: {escape(log.cost_unit)}.</p>"
    )
    body = said + f'<div class="grid wide">{charts}</div>' + _table(log, final)
    return section("tuning", "Tuned within an accuracy limit", body)


def _table(log: TuningLog, final: Sequence[TrialRecord]) -> str:
    rows = [
        [
            escape(item.name),
            f"{item.cost:.3f}",
            f"{item.size_bytes / 1e6:.2f}",
            f"{item.drop_seen:.2f}",
            f"{item.drop_unseen:.2f}",
            escape(item.how),
        ]
        for item in sorted(final, key=lambda item: (item.name, item.cost))
    ]
    head = [
        "Candidate",
        "#Cost",
        "#Size, MB",
        "#Points lost where searched",
        "#elsewhere",
        "How it is made",
    ]
    caption = "Candidates that looked at all pictures, from each half's search"
    return table("tuned", caption, head, rows, escape(log.kept))
