from __future__ import annotations

from convert.report.trade_off import Dot, cheapest_first, trade_off

CHEAP, MIDDLE, DEAR = Dot("cheap", 0.2, 3.0), Dot("middle", 0.5, 1.0), Dot("dear", 1.0, 0.0)
WORSE = Dot("worse", 0.6, 2.0)  # dearer than the middle one, and loses more


def test_frontier_is_what_nothing_cheaper_equals():
    assert cheapest_first([DEAR, WORSE, CHEAP, MIDDLE]) == [CHEAP, MIDDLE, DEAR]
    assert cheapest_first([MIDDLE, Dot("same", 0.5, 1.0)]) == [MIDDLE]


def test_only_dots_that_are_named_have_a_name_beside_them():
    chart = trade_off("c", "t", [CHEAP, DEAR], "cost", "loss", named={"dear"})
    assert ">dear</text>" in chart
    assert ">cheap</text>" not in chart


def test_what_gained_is_drawn_below_nothing():
    chart = trade_off("c", "t", [Dot("gained", 0.5, -1.0), DEAR], "cost", "loss")
    assert chart.count("<circle") == 2
    assert "1.00</text>" in chart.split(">0.00</text>")[0]  # the upright axis begins below
