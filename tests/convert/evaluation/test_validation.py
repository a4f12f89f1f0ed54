from __future__ import annotations

import numpy as np
import pytest

from convert.evaluation.validation import DEFAULT_THRESHOLD, LEAST_THRESHOLD, best_threshold


def chosen(scores, right, objects):
    return best_threshold(np.array(scores, float), np.array(right, bool), objects)


def test_threshold_lies_between_the_last_right_one_and_the_next():
    # F1 after each: 2/4, 4/5, 4/6.
    found = chosen([0.9, 0.7, 0.3], [True, True, False], 3)
    assert found.threshold == pytest.approx(0.5)
    assert (found.precision, found.recall) == (1.0, pytest.approx(2 / 3))
    assert found.f1 == pytest.approx(0.8)


def test_false_alarm_on_the_way_is_worth_a_find_behind_it():
    # F1: 2/3, 2/4, 4/5 of two objects.
    found = chosen([0.9, 0.8, 0.6], [True, False, True], 2)
    assert found.threshold == pytest.approx(0.3)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == 1.0


def test_order_of_the_scores_does_not_matter():
    assert chosen([0.3, 0.9, 0.7], [False, True, True], 3) == chosen(
        [0.9, 0.7, 0.3], [True, True, False], 3
    )


@pytest.mark.parametrize(("scores", "right", "objects"), [([], [], 4), ([0.9], [False], 4)])
def test_class_that_is_never_found_has_the_usual_threshold(scores, right, objects):
    assert chosen(scores, right, objects).threshold == DEFAULT_THRESHOLD


def test_threshold_is_never_where_noise_would_pass():
    assert chosen([0.01], [True], 1).threshold == LEAST_THRESHOLD
