import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.agreement import count_agreement, count_matches, f1, iou
from device.records import Detection


def box(x_min, y_min, x_max, y_max, class_id=1, score=0.9):
    return Detection(class_id, "thing", score, x_min, y_min, x_max, y_max)


sides = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(51, 100)] * 2)


def test_iou_of_boxes_that_share_a_third():
    assert iou(box(0, 0, 10, 10), box(0, 5, 10, 15)) == pytest.approx(1 / 3)


def test_iou_of_boxes_that_only_touch_is_zero():
    assert iou(box(0, 0, 10, 10), box(10, 0, 20, 10)) == 0


@given(sides, sides)
def test_iou_is_symmetric_and_at_most_one(one, other):
    forward = iou(box(*one), box(*other))
    assert forward == pytest.approx(iou(box(*other), box(*one)))
    assert 0 <= forward <= 1
    assert iou(box(*one), box(*one)) == pytest.approx(1)


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
