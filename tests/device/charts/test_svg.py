from __future__ import annotations

from device.charts.svg import shorten, tick_texts


def test_ticks_have_the_same_decimals():
    assert tick_texts([-0.1, 0.0, 0.25]) == ["\N{MINUS SIGN}0.10", "0.00", "0.25"]


def test_long_labels_are_shortened():
    assert shorten("a" * 20, 10) == "a" * 9 + "…"
