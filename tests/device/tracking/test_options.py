from __future__ import annotations

import pytest

from device.tracking.options import TrackerOptions


def test_half_stands_for_the_scores_that_are_there_by_default():
    options = TrackerOptions(window=7)
    assert options.at_threshold(0.5) == options


def test_other_limits_move_in_proportion():
    options = TrackerOptions().at_threshold(0.3)
    assert options.begin_score == pytest.approx(0.3 + 0.4 * 0.7)
    assert options.high_score == 0.3
    assert options.low_score == pytest.approx(0.06)


def test_each_class_has_its_own_limits():
    options = TrackerOptions().at_threshold((0.8, 0.3))
    assert options.begin_score == (pytest.approx(0.88), pytest.approx(0.58))
    assert options.low_score == (pytest.approx(0.16), pytest.approx(0.06))
