from __future__ import annotations

import numpy as np
import pytest

from device.inference.thresholds import changed, least_scores, threshold_of


def test_least_scores_by_class_id():
    assert least_scores(0.5, np.array([0, 7])) == 0.5
    assert least_scores((0.1, 0.2), np.array([1.0, 0.0, 9.0])).tolist() == [0.2, 0.1, 0.2]


@pytest.mark.parametrize(("class_id", "expected"), [(0, 0.1), (1, 0.2), (9, 0.2)])
def test_class_beyond_those_named_takes_the_last_ones_threshold(class_id, expected):
    assert threshold_of((0.1, 0.2), class_id) == expected
    assert threshold_of(0.5, class_id) == 0.5


def test_change_is_made_to_each():
    assert changed(0.5, lambda score: score / 2) == 0.25
    assert changed((0.5, 1.0), lambda score: score / 2) == (0.25, 0.5)
