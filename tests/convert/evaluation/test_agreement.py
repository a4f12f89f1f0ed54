import pytest

from convert.evaluation.agreement import count_agreement, count_matches, f1
from device.records import Detection


def box(x_min, y_min, x_max, y_max, class_id=1, score=0.9):
    return Detection(class_id, "thing", score, x_min, y_min, x_max, y_max)


def test_another_class_does_not_match():
    assert count_matches([box(0, 0, 10, 10, class_id=2)], [box(0, 0, 10, 10)]) == 0


def test_one_truth_is_matched_once():
    assert count_matches([box(0, 0, 10, 10), box(0, 0, 10, 9)], [box(0, 0, 10, 10)]) == 1


def test_f1_counts_misses_and_extras():
    truth = [[box(0, 0, 10, 10), box(50, 50, 60, 60)]]
    found = [[box(0, 0, 10, 10), box(80, 80, 90, 90)]]
    assert f1(found, truth) == pytest.approx(0.5)


def test_f1_of_nothing_found_where_nothing_is_is_one():
    assert f1([[]], [[]]) == 1.0


def test_counts_of_one_picture_are_both_sides_of_every_match():
    one, other = box(0, 0, 10, 10), box(50, 50, 60, 60)
    assert count_agreement([one, other], [one]) == (2, 3)
    assert count_agreement([], []) == (0, 0)
