from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.inference.boxes import iou
from device.inference.candidates import (
    VOTER_IOU,
    dequantise,
    logit,
    suppress,
    tensor_threshold,
    vote,
)
from tests.device.inference.conftest import found, tensor

INT8 = range(-128, 128)


def test_integers_become_real_numbers_by_scale_and_zero_point():
    real = dequantise(np.array([-128, 3, 127], np.int8), tensor("int8", 0.5, 3))
    assert real.dtype == np.float32
    assert real.tolist() == [-65.5, 0.0, 62.0]


def test_floats_stay_as_they_are():
    assert dequantise(np.array([0.1, -7], np.float32), tensor())[0] == np.float32(0.1)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.5, 0.0),
        (0.75, math.log(3)),
        (0.25, -math.log(3)),
        (0.0, -math.inf),
        (1.0, math.inf),
        (-0.1, -math.inf),
        (1.1, math.inf),
    ],
)
def test_logit_by_hand(probability, expected):
    assert logit(probability) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scale", "zero_point", "real", "expected"),
    [
        (0.5, 3, 2.0, 7),  # exactly 4 steps above the zero point
        (0.5, 3, 2.1, 8),  # 4.2 steps: the fifth is the first that reaches it
        (0.1, 0, 0.1 * 3, 3),  # in floating point a hair more than 3 steps
        (0.1, -5, -0.25, -7),  # -2.5 steps: -2 is above, -3 below
        (0.1, 0, 100.0, 1000),  # beyond the type: nothing passes
        (0.1, 0, -100.0, -1000),  # all pass
    ],
)
def test_threshold_in_the_integers_by_hand(scale, zero_point, real, expected):
    assert tensor_threshold(tensor("int8", scale, zero_point), real) == expected


def test_boundary_passes_and_the_integer_below_does_not():
    spec = tensor("int8", 0.25, 10)
    threshold = tensor_threshold(spec, 1.5)  # 6 steps above 10
    stored = np.array([15, 16, 17], np.int8)
    assert (stored >= threshold).tolist() == [False, True, True]
    assert dequantise(stored, spec).tolist() == [1.25, 1.5, 1.75]


@pytest.mark.parametrize("real", [-1.5, 0.0, 3.25, math.inf, -math.inf])
def test_threshold_of_a_float_tensor_is_itself(real):
    assert tensor_threshold(tensor(), real) == real


@pytest.mark.parametrize(("probability", "passing"), [(1.0, 0), (0.0, 256)])
def test_infinite_threshold_passes_none_or_all(probability, passing):
    threshold = tensor_threshold(tensor("int8", 0.1, 0), logit(probability))
    assert np.count_nonzero(np.array(INT8, np.int8) >= threshold) == passing


@settings(max_examples=100)
@given(
    st.sampled_from(["int8", "uint8", "int16"]),
    st.floats(2**-13, 1, width=32),
    st.integers(-128, 255),
    st.floats(-20, 20),
)
def test_threshold_in_the_integers_agrees_with_the_real_one(dtype, scale, zero_point, real):
    spec = tensor(dtype, scale, zero_point)
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)
    exact = (stored.astype(np.float64) - zero_point) * scale
    clear = np.abs(exact - real) > 1e-5 * scale  # what lies on the threshold itself may pass
    passes = stored >= tensor_threshold(spec, real)
    assert np.array_equal(passes[clear], (exact >= real)[clear])
    assert passes[~clear & (exact >= real)].all()
    assert (np.diff(passes.astype(int)) >= 0).all()


NEAR = [[0, 0, 4, 4], [0, 0, 4, 3], [0, 2, 4, 6]]  # IoU 0.75 of the first two, 1/3 of 0 and 2


def test_overlap_beyond_the_threshold_is_one_object():
    assert found(NEAR, [0.8, 0.9, 0.7], [1, 1, 1]) == [1, 2]


def test_overlap_below_the_threshold_is_two():
    assert found(NEAR, [0.8, 0.9, 0.7], [1, 1, 1], iou=0.8) == [1, 0, 2]


def test_overlap_of_just_the_threshold_is_two():
    assert found([[0, 0, 4, 4], [0, 0, 4, 2]], [0.9, 0.8], [1, 1], iou=0.5) == [0, 1]


def test_suppressed_box_suppresses_nothing():
    # 1 falls to 0; 2 overlaps 1 by 0.6 but 0 by 1/3 only, and stays
    chain = [[0, 0, 8, 1], [2, 0, 10, 1], [4, 0, 12, 1]]
    assert found(chain, [0.9, 0.8, 0.7], [1, 1, 1], iou=0.5) == [0, 2]


def test_classes_do_not_suppress_each_other():
    assert found([[0, 0, 1, 1]] * 3, [0.7, 0.9, 0.8], [1, 2, 1]) == [1, 2]


def test_only_the_best_are_kept():
    apart = [[3 * i, 0, 3 * i + 1, 1] for i in range(5)]
    assert found(apart, [0.1, 0.5, 0.3, 0.4, 0.2], [1] * 5, most=2) == [1, 3]


def test_nothing_gives_nothing():
    assert found([], [], []) == []


def naive_suppress(boxes, scores, classes, threshold):
    """Greedy per-class suppression, one pair at a time."""
    kept = []
    for index in sorted(range(len(scores)), key=lambda i: -scores[i]):
        rivals = [other for other in kept if classes[other] == classes[index]]
        if all(overlap(boxes[index], boxes[other]) <= threshold for other in rivals):
            kept.append(index)
    return kept


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@st.composite
def candidates(draw):
    """Boxes on a grid, partly outside the picture, few classes, and scores that may be equal."""
    count = draw(st.integers(1, 40))
    corner, side = st.integers(-24, 16), st.integers(1, 32)
    boxes = []
    for _ in range(count):
        x, y, width, height = (draw(kind) / 16 for kind in (corner, corner, side, side))
        boxes.append([x, y, x + width, y + height])
    scores = draw(st.lists(st.integers(1, 100), min_size=count, max_size=count))
    classes = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    return boxes, [score / 128 for score in scores], classes


IRRATIONAL = math.sqrt(0.3)


@settings(max_examples=100)
@given(candidates())
def test_suppression_equals_the_naive_one(case):
    assert found(*case, iou=IRRATIONAL) == naive_suppress(*case, IRRATIONAL)


@settings(max_examples=50)
@given(candidates())
def test_suppression_by_an_opencv_without_classes_equals_the_naive_one(case):
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(cv2.dnn, "NMSBoxesBatched")
        assert found(*case, iou=IRRATIONAL) == naive_suppress(*case, IRRATIONAL)


def test_opencv_without_classes_takes_no_boxes(monkeypatch):
    monkeypatch.delattr(cv2.dnn, "NMSBoxesBatched")
    assert found(np.empty((0, 4)), [], []) == []


@settings(max_examples=100)
@given(candidates(), st.integers(1, 10))
def test_the_best_few_are_the_beginning_of_all(case, most):
    assert found(*case, iou=IRRATIONAL, most=most) == found(*case, iou=IRRATIONAL)[:most]


def test_suppression_looks_further_while_too_few_are_kept():
    # 400 copies of one object are better than the second: more than the first look takes in.
    boxes = [[0, 0, 1, 1]] * 400 + [[5, 5, 6, 6]]
    scores = list(np.linspace(0.9, 0.5, 401))
    assert found(boxes, scores, [1] * 401, most=2) == [0, 400]


def voted(rows, kept=(0,)):
    """The boxes of ``kept``, of rows (box, score, class)."""
    boxes, scores, ids = zip(*rows, strict=True)
    found = vote(
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(ids, np.intp),
        np.array(kept, np.intp),
    )
    assert found.dtype == np.float32
    return found.tolist()


BEST = (0.0, 0.0, 1.0, 1.0)
NARROWER = (0.0, 0.0, 0.8, 1.0)  # overlaps BEST by 0.8


def test_box_is_the_mean_of_those_that_overlap_it_by_squared_score_and_overlap():
    # Weights 0.8 ** 2 and 0.4 ** 2 * 0.8: 0.64 and 0.128, so 5 to 1.
    [box] = voted([(BEST, 0.8, 1), (NARROWER, 0.4, 1)])
    assert box == pytest.approx((0, 0, (5 * 1.0 + 0.8) / 6, 1))


@pytest.mark.parametrize(
    "other",
    [
        (NARROWER, 0.39, 1),  # of less than half the score
        (NARROWER, 0.8, 2),  # of another class
        ((0.0, 0.0, 0.69, 1.0), 0.8, 1),  # overlaps too little
    ],
)
def test_other_boxes_have_no_vote(other):
    assert voted([(BEST, 0.8, 1), other]) == [list(BEST)]


def test_each_box_that_is_kept_has_its_own_voters():
    far, near_far = (5.0, 5.0, 6.0, 6.0), (5.0, 5.0, 6.0, 5.8)
    rows = [(BEST, 0.8, 1), (far, 0.6, 1), (NARROWER, 0.8, 1), (near_far, 0.6, 1)]
    one, other = voted(rows, (0, 1))
    assert one == pytest.approx((0, 0, 1 - 0.2 * 0.8 / 1.8, 1))
    assert other == pytest.approx((5, 5, 6, 6 - 0.2 * 0.8 / 1.8))


@pytest.mark.parametrize("score", [0.5, 0.0])
def test_box_without_an_area_stays_as_it_is(score):
    assert voted([((0.3, 0.3, 0.3, 0.9), score, 0)]) == [pytest.approx((0.3, 0.3, 0.3, 0.9))]


def test_no_boxes_have_no_votes():
    none = np.empty(0, np.intp)
    assert vote(np.empty((0, 4), np.float32), none.astype(np.float32), none, none).shape == (0, 4)


@given(
    st.lists(
        st.tuples(
            st.tuples(*[st.floats(0, 0.5)] * 2, *[st.floats(0.5, 1)] * 2),
            st.floats(0.01, 1),
            st.integers(0, 1),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_voted_box_overlaps_the_one_that_was_kept(rows):
    boxes, scores, ids = (np.array(column) for column in zip(*rows, strict=True))
    boxes, scores = boxes.astype(np.float32), scores.astype(np.float32)
    kept = suppress(boxes, scores, ids, 0.6, 100)
    for box, number in zip(vote(boxes, scores, ids, kept), kept.tolist(), strict=True):
        # A little less than each voter does: wider and taller ones add up to a larger mean.
        if iou(boxes[number].tolist(), boxes[number].tolist()) > 0:
            assert iou(box.tolist(), boxes[number].tolist()) >= VOTER_IOU - 0.1
