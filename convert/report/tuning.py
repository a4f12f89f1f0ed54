"""The part of a report that shows what `convert tune` tried: cost against drop, its frontier."""

from __future__ import annotations

from collections.abc import Sequence

from convert.evaluation.bootstrap import in_resamples
from convert.report.trade_off import Dot, trade_off
from convert.tuning.log import TrialRecord, TuningLog, finalists
from device.charts.markup import escape, figure, section, table

_FAINT = 1e-4  # the least output error that is drawn
NAMED = ("int8", "float32")  # dots that a reader knows from elsewhere
COST = "cost of one invoke, int8 being 1"


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
            COST,
            f"points of {log.metric} lost on pictures not searched",
            named=NAMED,
        ),
        "Down and to the left is better; the line joins those that nothing cheaper equals, and "
        f"{kept} is coloured. Each was judged on the half that its search had not seen.",
    ) + figure(
        trade_off(
            "screening-chart",
            "Output error against cost of all candidates",
            screened,
            COST,
            "output error against float32",
            log=True,
        ),
        f"All {len(screened)} candidates, screened on a few pictures; the upright axis is "
        "logarithmic.",
    )
    verdict = "keeps" if log.met else "does not keep"
    drop = "" if log.drop is None else f"{log.drop:.2f}"
    expected = ""
    if log.drop_expected is not None:
        expected = f", and {log.drop_expected:.2f} are to be expected by what all candidates lost"
    said = (
        f"<p>The best found <strong>{verdict}</strong> the limit of {log.max_drop:g} points of "
        f"{escape(log.metric)}: on pictures that its search had not seen it loses {drop} points"
        f"{in_resamples(log.drop_interval)}{expected}; int8 loses {log.int8_drop:.2f}. "
        f"{log.images} pictures, in two halves by seed {log.seed}. "
        f"Cost: {escape(log.cost_unit)}.</p>"
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
