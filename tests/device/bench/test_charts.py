from __future__ import annotations

import re

import pytest

from device.bench.charts import Line, Row, distribution_axes, distributions, over_time, rates


def test_bars_are_as_long_as_their_medians():
    rows = [Row("a", [30.0, 30.0, 30.0]), Row("b", [15.0, 15.0, 15.0])]
    axes = distribution_axes(rows)
    svg = distributions("d", "t", rows, axes)
    lengths = [float(found) for found in re.findall(r'width="([\d.]+)" height="11"', svg)]
    assert lengths == pytest.approx([90.0, 45.0])  # 0..30 ms on 90 units
    assert not axes.medians.log


def test_medians_far_apart_are_on_a_logarithmic_axis_with_decades_alone():
    axes = distribution_axes([Row("a", [2.0]), Row("b", [700.0])])
    assert axes.medians.log
    assert axes.medians.ticks == (1, 10, 100)


def test_shape_lies_where_its_times_are_around_the_median():
    row = Row("a", [10.0] * 8 + [12.0])  # a fifth more than the median
    axes = distribution_axes([row])
    svg = distributions("d", "t", [row], axes)
    points = re.search(r'<polygon points="([^"]*)"', svg)[1].split()
    xs = [float(point.split(",")[0]) for point in points]
    ys = [float(point.split(",")[1]) for point in points]
    assert min(xs) <= axes.spread(0) <= min(xs) + 2
    assert min(xs) < axes.spread(20) <= max(xs)
    assert (min(ys), max(ys)) == (25.0, 43.0)  # 9 around the row's middle, at 34


def test_lines_have_their_points_and_labels_apart():
    lines = [Line("a", [(1, 10.0), (4, 20.0)]), Line("b", [(1, 5.0), (4, 19.9)], accent=True)]
    svg = rates("r", "t", lines, "threads", "FPS")
    # 1..4 threads on 48..268, 0..20 FPS on 200..30.
    assert 'points="48.0,115.0 268.0,30.0"' in svg
    labels = [float(y) for y in re.findall(r'y="([\d.]+)" class="label', svg)]
    assert abs(labels[0] - labels[1]) >= 12
    assert re.findall(r'class="tick mid">(\d)<', svg) == ["1", "4"]


def test_time_runs_in_minutes():
    svg = over_time("o", "t", [(0.0, 50.0), (120.0, 60.0)], "°C")
    assert 'points="46.0,150.0 348.0,30.0"' in svg  # 0..2 minutes, 50..60 degrees


def test_clock_that_hardly_moves_looks_steady():
    svg = over_time("o", "t", [(0.0, 2596.1), (60.0, 2596.2)], "clock, MHz")
    ticks = [float(value) for value in re.findall(r'class="tick end">([\d.]+)<', svg)]
    assert max(ticks) - min(ticks) >= 250
    assert all(value == round(value) for value in ticks)
