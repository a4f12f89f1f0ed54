from __future__ import annotations

import re

from convert.report.charts import Bar, Pair, Point, bars, changes, losses, scatter
from convert.report.charts import Loss as LossRow


def test_scatter_puts_point_and_whisker_where_they_belong():
    svg = scatter("s", "t", [Point("a", 10, 0.3, (0.2, 0.4)), Point("b", 20, 0.2)], "x", "y")
    # x: 0..20 on 42..348; y: 0.2..0.4 on 232..30.
    assert '<circle cx="195.0" cy="131.0"' in svg
    assert '<circle cx="348.0" cy="232.0"' in svg
    assert '<line x1="195.0" y1="232.0" x2="195.0" y2="30.0" class="whisker"/>' in svg


def test_scatter_labels_do_not_cover_each_other():
    points = [Point(name, 5 + n / 100, 0.3 + n / 1e4) for n, name in enumerate("abcd")]
    svg = scatter("s", "t", [*points, Point("z", 20, 0.5)], "x", "y")
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="label[^"]*">', svg)
    places = [(float(x), float(y)) for x, y in found]
    assert len(places) == 5
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert abs(one[1] - other[1]) >= 12 or abs(one[0] - other[0]) >= 6.6


def test_loss_row_has_its_point_and_interval():
    svg = losses("l", "t", [LossRow("int8", 1.0, (0.0, 2.0))], "x")
    # 0..2 on 96..290: one is in the middle, at 193.
    assert 'cx="193.0"' in svg
    assert '<line x1="96.0" y1="23.0" x2="290.0" y2="23.0" class="whisker"/>' in svg
    assert ">1.0<" in svg


def test_bars_are_linear_up_to_a_ratio_of_ten():
    svg, log = bars("b", "t", [("g", [Bar("a", 2.0), Bar("b", 20.0)])], "ms")
    assert not log
    assert 'width="20.6"' in svg  # 2 of 20, on 206 pixels
    assert 'width="206.0"' in svg


def test_bars_are_logarithmic_above_a_ratio_of_ten():
    svg, log = bars("b", "t", [("g", [Bar("a", 2.0), Bar("b", 200.0)])], "ms")
    assert log
    assert 'width="206.0"' in svg
    assert "logarithmic" in svg


def test_bar_without_a_time_says_why():
    svg, _ = bars("b", "t", [("g", [Bar("old", None, "does not load: op version 12")])], "ms")
    assert "does not load: op version 12" in svg
    assert "<rect" not in svg


def test_change_bars_share_a_scale():
    svg = changes("c", "t", [Pair("cat", 0.5, 0.45)], 10.0, "points")
    assert 'width="82.0"' in svg  # 5 of 10, on 164 pixels
    assert "0.50 → 0.45" in svg
