from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from convert.report.trade_off import CHARACTER, LINE, Dot, cheapest_first, place_labels, trade_off

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


def test_label_stands_after_its_point_above_the_line():
    ((label, spot),) = place_labels([(100.0, 50.0, "140px")], (48, 348), (12, 232))
    assert (label, spot.x, spot.y, spot.kind) == ("140px", 107.0, 44.0, "tick")


def test_label_that_would_end_beyond_the_chart_stands_before_its_point():
    ((_, spot),) = place_labels([(340.0, 50.0, "140px")], (48, 348), (12, 232))
    assert (spot.x, spot.y, spot.kind) == (333.0, 34.0, "tick end")
    assert spot.start == 333.0 - 5 * CHARACTER


def test_label_covers_no_other_point_where_that_can_be():
    # A point without a label lies where the label would stand first.
    points = [(100.0, 50.0, "140px"), (120.0, 42.0, "")]
    ((label, spot),) = place_labels(points, (48, 348), (12, 232))
    assert (label, spot.x, spot.y) == ("140px", 107.0, 64.0)


points = st.tuples(st.floats(60, 340), st.floats(40, 220))


@given(st.lists(points, min_size=2, max_size=2))
def test_two_labels_never_cover_each_other_and_end_inside(places):
    spots = [
        spot
        for _, spot in place_labels([(*at, "92px-lowrank") for at in places], (48, 348), (12, 232))
    ]
    assert all(spot.start >= 48 and spot.end <= 348 for spot in spots)
    one, other = spots
    beside = one.end <= other.start or other.end <= one.start
    assert beside or abs(one.y - other.y) >= LINE
