"""The part of a report that shows what `convert slim` tried: cost against drop, its frontier."""

from __future__ import annotations

from convert.evaluation.bootstrap import in_resamples
from convert.report.trade_off import Dot, trade_off
from convert.slimming.log import SlimmingLog
from device.charts.markup import escape, figure, section, table

WHOLE = "whole network"
BOARDS = {"pi4": "Pi 4", "pi5": "Pi 5"}


def slimming(log: SlimmingLog | None) -> str:
    """The chart and every network tried; empty where the bundle is of no such search."""
    if log is None or not log.trials:
        return ""
    dots = [Dot(item.name, item.cost, item.drop, item.kept) for item in log.trials]
    chart = figure(
        trade_off(
            "slimming-chart",
            "Drop against cost of the smaller networks",
            [Dot(WHOLE, 1.0, 0.0), *dots],
            "cost of one invoke, the whole network's being 1",
            f"points of {log.metric} lost",
            named={WHOLE, *(item.name for item in log.trials)},
        ),
        "Down and to the left is better; the line joins those that nothing cheaper equals, and the "
        "network kept is coloured. Losses are float32's, before it is quantised.",
    )
    body = _verdict(log) + f'<div class="grid wide">{chart}</div>' + _table(log)
    return section("slimming", "Made smaller", body)


def _verdict(log: SlimmingLog) -> str:
    promise = "" if log.max_drop is None else f"The promise was --max-drop {log.max_drop:g}. "
    quantised = ""
    if log.int8_drop is not None:
        quantised = (
            f" Its int8 loses <strong>{log.int8_drop:.2f}</strong>"
            f"{in_resamples(log.int8_drop_interval)} against the whole network's "
            f"{escape(log.int8_against)}."
        )
    counted = ""
    if log.instructions is not None:
        counted = (
            f" One invoke of it is {log.instructions / 1e6:.2f} million instructions, counted."
        )
    return (
        f"<p>{promise}What is kept lost {log.drop:.2f} points of {escape(log.metric)}"
        f"{in_resamples(log.drop_interval)} on {log.images} pictures "
        f"that it was not trained on, and "
        f"{log.expected:.2f} are to be expected by what all networks lost.{quantised}{counted} "
        f"The whole network is {escape(log.source)}.</p>"
    )


def _table(log: SlimmingLog) -> str:
    rows = [
        [
            escape(item.name),
            f"{item.size}",
            f"{item.cost:.3f}",
            f"{item.instructions / 1e6:.1f}",
            f"{item.parameters / 1e6:.2f}",
            f"{item.drop:.2f}",
        ]
        for item in sorted(log.trials, key=lambda item: item.cost)
    ]
    board = BOARDS.get(log.board, log.board)
    head = [
        "Network",
        "#Input, pixels",
        "#Cost",
        f"#Million instructions, {escape(board)}",
        "#Million parameters",
        "#Points lost",
    ]
    kept = next((item.name for item in log.trials if item.kept), "")
    caption = "Every network tried; instructions of one invoke in int8 are estimated"
    return table("slimmed", caption, head, rows, escape(kept))
