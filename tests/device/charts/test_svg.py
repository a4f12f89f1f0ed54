from __future__ import annotations

from device.charts import svg
from device.charts.axis import round_axis
from device.charts.svg import shorten, tick_texts


def test_ticks_have_the_same_decimals():
    assert tick_texts([-0.1, 0.0, 0.25]) == ["\N{MINUS SIGN}0.10", "0.00", "0.25"]


def test_long_labels_are_shortened():
    assert shorten("a" * 20, 10) == "a" * 9 + "…"


def test_frame_has_a_line_per_height_and_a_number_per_tick():
    x_axis, y_axis = round_axis([0, 4], 40, 340), round_axis([0, 1], 230, 30)
    parts = list(svg.frame(x_axis, y_axis, "size", "accuracy"))
    lines = [part for part in parts if part.startswith("<line")]
    assert len(lines) == len(y_axis.ticks) + 1  # the base
    assert '<line x1="40.0" y1="30.0" x2="340.0" y2="30.0" class="grid"/>' in lines
    numbers = [part for part in parts if 'class="tick' in part]
    assert len(numbers) == len(x_axis.ticks) + len(y_axis.ticks)
    assert any(">size<" in part for part in parts)
    assert any(">accuracy<" in part for part in parts)
