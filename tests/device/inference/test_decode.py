from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from device.bundle.manifest import (
    ClassifierHead,
    ClassifierRule,
    DetectionsHead,
    DetectionsRule,
    SsdHead,
    SsdRule,
    TensorSpec,
)
from device.errors import BundleError, InterpreterError
from device.inference.decode import (
    ClassifierDecoder,
    DetectionsDecoder,
    SsdDecoder,
    box_coefficients,
    decode_boxes,
    dequantise,
    least_scores,
    logit,
    make_decoder,
    suppress,
    tensor_threshold,
)

SCALES = (10.0, 10.0, 5.0, 5.0)
INT8 = range(-128, 128)


def tensor(dtype="float32", scale=0.0, zero_point=0, position=0, shape=(1,)) -> TensorSpec:
    return TensorSpec(
        position=position, shape=shape, dtype=dtype, scale=scale, zero_point=zero_point
    )


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


def decoded(encodings, anchors):
    return decode_boxes(encodings, box_coefficients(anchors, SCALES, tensor()))


def test_boxes_without_encoding_are_their_anchors():
    anchors = np.array([[0.5, 0.25, 0.2, 0.1]], np.float32)
    boxes = decoded(np.zeros((1, 4), np.float32), anchors)
    assert boxes[0] == pytest.approx([0.2, 0.4, 0.3, 0.6])


def test_box_is_decoded_by_hand():
    # t_y 5/10 * 0.2 up from 0.5: 0.6; t_x -10/10 * 0.1 from 0.25: 0.15;
    # height exp(5 ln 2 / 5) * 0.2 = 0.4; width exp(-5 ln 2 / 5) * 0.1 = 0.05
    encoding = np.array([[5, -10, 5 * math.log(2), -5 * math.log(2)]], np.float32)
    anchors = np.array([[0.5, 0.25, 0.2, 0.1]], np.float32)
    boxes = decoded(encoding, anchors)
    assert boxes[0] == pytest.approx([0.125, 0.4, 0.175, 0.8])


def test_quantised_box_is_decoded_by_hand():
    # as above: t is what is stored, less 3, times a half
    stored = np.array([[13, -17, 13, -7]], np.float32)  # t 5, -10, 5, -5
    anchors = np.array([[0.5, 0.25, 0.2, 0.1]], np.float32)
    coefficients = box_coefficients(anchors, SCALES, tensor("int8", 0.5, 3))
    e = math.e
    assert decode_boxes(stored, coefficients)[0] == pytest.approx(
        [0.15 - 0.05 / e, 0.6 - 0.1 * e, 0.15 + 0.05 / e, 0.6 + 0.1 * e]
    )


def test_anchor_without_a_size_has_boxes_without_one():
    boxes = decoded(np.ones((1, 4), np.float32), np.array([[0.5, 0.25, 0, 0]], np.float32))
    assert boxes[0] == pytest.approx([0.25, 0.5, 0.25, 0.5])


unit = st.floats(1 / 16, 15 / 16, width=32)
rows = st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=8)


@settings(max_examples=100)
@given(rows, st.data())
def test_encoded_boxes_decode_to_themselves(centres, data):
    wanted = np.array(centres, np.float32)  # centre_y, centre_x, height, width
    other = st.lists(st.tuples(unit, unit, unit, unit), min_size=len(wanted), max_size=len(wanted))
    anchors = np.array(data.draw(other), np.float32)
    encoded = np.concatenate(
        (
            (wanted[:, :2] - anchors[:, :2]) / anchors[:, 2:],
            np.log(wanted[:, 2:] / anchors[:, 2:]),
        ),
        axis=1,
    ) * np.array(SCALES, np.float32)
    boxes = decoded(encoded, anchors)
    low, high = wanted[:, :2] - wanted[:, 2:] / 2, wanted[:, :2] + wanted[:, 2:] / 2
    expected = np.stack((low[:, 1], low[:, 0], high[:, 1], high[:, 0]), axis=1)
    assert boxes == pytest.approx(expected, abs=1e-4)


def found(boxes, scores, classes, iou=0.5, most=100):
    return suppress(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.intp),
        iou,
        most,
    ).tolist()


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


# A ratio of areas on the grid is never closer to it than rounding goes.
IRRATIONAL = math.sqrt(0.3)


@settings(max_examples=100)
@given(candidates())
def test_suppression_equals_the_naive_one(case):
    assert found(*case, iou=IRRATIONAL) == naive_suppress(*case, IRRATIONAL)


@settings(max_examples=100)
@given(candidates(), st.integers(1, 10))
def test_the_best_few_are_the_beginning_of_all(case, most):
    assert found(*case, iou=IRRATIONAL, most=most) == found(*case, iou=IRRATIONAL)[:most]


def test_suppression_looks_further_while_too_few_are_kept():
    # 400 copies of one object are better than the second: more than the first look takes in.
    boxes = [[0, 0, 1, 1]] * 400 + [[5, 5, 6, 6]]
    scores = list(np.linspace(0.9, 0.5, 401))
    assert found(boxes, scores, [1] * 401, most=2) == [0, 400]


RULE = SsdRule(anchors="anchors.npy", box_scales=SCALES, background=0, iou_threshold=0.6)
ANCHORS = np.array(
    [[0.5, 0.5, 0.2, 0.2], [0.25, 0.25, 0.2, 0.2], [0.75, 0.75, 0.4, 0.4]], np.float32
)


def make_head(first: int, anchors: int, boxes: TensorSpec, scores: TensorSpec) -> SsdHead:
    return SsdHead(boxes=boxes, scores=scores, first_anchor=first, anchors=anchors)


@pytest.fixture
def decoder() -> SsdDecoder:
    """Three classes; two anchors in an int8 head, one in a float head, outputs out of order."""
    return SsdDecoder(
        [
            make_head(
                0, 2,
                tensor("int8", 0.5, 0, 3, (1, 1, 1, 8)), tensor("int8", 0.25, 10, 1, (1, 1, 2, 3)),
            ),
            make_head(
                2, 1, tensor(position=0, shape=(1, 1, 1, 4)), tensor(position=2, shape=(1, 1, 1, 3))
            ),
        ],
        ANCHORS,
        RULE,
    )  # fmt: skip


def outputs(scores, second=(-9, -9, -9), boxes=((0, 0, 0, 0), (0, 0, 0, 0))):
    return [
        np.zeros((1, 1, 1, 4), np.float32),
        np.array(scores, np.int8).reshape(1, 1, 2, 3),
        np.array(second, np.float32).reshape(1, 1, 1, 3),
        np.array(boxes, np.int8).reshape(1, 1, 1, 8),
    ]


LOW = [-128] * 3


def test_anchor_and_class_are_found_by_their_place(decoder):
    result = decoder(outputs([LOW, [-128, -128, 18]]), 0.5, 10)
    assert result.class_ids.tolist() == [2]
    # (18 - 10) * 0.25 = 2, 1 / (1 + exp(-2)) = 0.8808
    assert result.scores == pytest.approx([0.880797])
    assert result.boxes[0] == pytest.approx([0.15, 0.15, 0.35, 0.35])


def test_box_encodings_are_dequantised_with_their_own_scale(decoder):
    # t_y = 20 * 0.5 / 10 = 1 anchor height down
    result = decoder(outputs([[-128, 18, -128], LOW], boxes=((20, 0, 0, 0), (0,) * 4)), 0.5, 10)
    assert result.boxes[0] == pytest.approx([0.4, 0.6, 0.6, 0.8])


def test_heads_are_joined_and_sorted_best_first(decoder):
    result = decoder(outputs([[-128, 12, -128], LOW], second=(-9, 3, -9)), 0.5, 10)
    assert result.scores == pytest.approx([1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-0.5))])
    assert result.boxes[0] == pytest.approx([0.55, 0.55, 0.95, 0.95])
    assert len(decoder(outputs([[-128, 12, -128], LOW], second=(-9, 3, -9)), 0.5, 1).scores) == 1


def test_score_of_just_the_threshold_is_reported_and_the_next_lower_is_not(decoder):
    assert len(decoder(outputs([[-128, 10, -128], LOW]), 0.5, 10).scores) == 1  # logit 0
    assert len(decoder(outputs([[-128, 9, -128], LOW]), 0.5, 10).scores) == 0


def test_background_is_never_reported(decoder):
    result = decoder(outputs([[127, -128, -128], [127, -128, 18]], second=(9, -9, -9)), 0.5, 10)
    assert result.class_ids.tolist() == [2]


def test_another_background_is_not_reported_either(decoder):
    rule = SsdRule(anchors="a", box_scales=SCALES, background=2, iou_threshold=0.6)
    other = SsdDecoder(decoder.heads, ANCHORS, rule)
    assert other(outputs([[127, -128, 127], LOW]), 0.5, 10).class_ids.tolist() == [0]


def test_nothing_above_the_threshold_is_an_empty_result(decoder):
    result = decoder(outputs([LOW, LOW]), 0.5, 10)
    assert (result.boxes.shape, result.scores.shape, result.class_ids.shape) == ((0, 4), (0,), (0,))


def test_scores_that_are_no_numbers_are_not_detections(decoder):
    assert len(decoder(outputs([LOW, LOW], second=[math.nan] * 3), 0.01, 10).scores) == 0


def test_threshold_of_nothing_reports_all_but_the_background(decoder):
    result = decoder(outputs([[-128] * 3] * 2), 0.0, 10)
    assert sorted(result.class_ids.tolist()) == [1, 1, 1, 2, 2, 2]


def test_threshold_may_change_from_frame_to_frame(decoder):
    stored = outputs([[-128, 18, -128], LOW])  # 0.88
    found = [len(decoder(stored, threshold, 10).scores) for threshold in (0.5, 0.9, 0.8)]
    assert found == [1, 0, 1]


def test_threshold_of_one_reports_nothing(decoder):
    assert len(decoder(outputs([[127] * 3] * 2, second=[60.0] * 3), 1.0, 10).scores) == 0


@settings(max_examples=50)
@given(st.data(), st.floats(0.01, 0.99))
def test_quantised_scores_are_thresholded_like_real_ones(data, threshold):
    scores = data.draw(st.lists(st.integers(-128, 127), min_size=6, max_size=6))
    real = (np.array(scores, np.float64) - 10) * 0.25
    probability = 1 / (1 + np.exp(-real))
    assume((np.abs(real - logit(threshold)) > 1e-4).all())
    decoder = SsdDecoder(
        [
            make_head(
                0, 2,
                tensor("int8", 0.5, 0, 1, (2, 4)), tensor("int8", 0.25, 10, 0, (2, 3)),
            )
        ],
        ANCHORS,
        RULE,
    )  # fmt: skip
    stored = [np.array(scores, np.int8), np.zeros((2, 4), np.int8)]
    wanted = [p for i, p in enumerate(probability) if i % 3 and p >= threshold]
    result = decoder(stored, threshold, 100)
    assert result.scores == pytest.approx(sorted(wanted, reverse=True), abs=1e-6)


def test_probabilities_are_reported_as_they_are(decoder):
    rule = SsdRule(
        anchors="a", box_scales=SCALES, background=None, iou_threshold=0.6, score="probability"
    )
    boxes = tensor("int8", 0.5, 0, 3, (1, 1, 1, 8))
    head = make_head(0, 2, boxes, tensor("uint8", 1 / 256, 0, 1, (2, 3)))
    stored = outputs([LOW, LOW])
    stored[1] = np.array([[0, 200, 0], [150, 0, 100]], np.uint8)
    result = SsdDecoder([head], ANCHORS, rule)(stored, 0.5, 10)
    assert result.class_ids.tolist() == [1, 0], "without a background the first class counts too"
    assert result.scores == pytest.approx([200 / 256, 150 / 256])


ROWS = DetectionsHead(
    boxes=tensor(position=2),
    classes=tensor(position=0),
    scores=tensor(position=3),
    count=tensor(position=1),
)


def detections(scores, classes=(0, 7, 3, 5), count=4):
    boxes = [[0.1 * row, 0.2, 0.9, 0.7] for row in range(4)]
    arrays = ([classes], [count], [boxes], [scores])
    return [np.array(array, np.float32) for array in arrays]


def test_rows_of_a_decoding_model_are_read_by_role():
    result = DetectionsDecoder(ROWS)(detections([0.9, 0.8, 0.6, 0.2]), 0.5, 10)
    assert result.class_ids.tolist() == [0, 7, 3]
    assert result.scores == pytest.approx([0.9, 0.8, 0.6])
    # y_min, x_min, y_max, x_max become x_min, y_min, x_max, y_max
    assert result.boxes[1] == pytest.approx([0.2, 0.1, 0.7, 0.9])


def test_rows_beyond_the_count_mean_nothing():
    found = DetectionsDecoder(ROWS)(detections([0.9, 0.8, 0.7, 0.6], count=2), 0.5, 10)
    assert found.class_ids.tolist() == [0, 7]
    for count in (0, -1):
        none = DetectionsDecoder(ROWS)(detections([0.9] * 4, count=count), 0.5, 10)
        assert (none.boxes.shape, none.scores.shape) == ((0, 4), (0,))


def test_all_rows_are_meant_where_there_is_no_count():
    head = DetectionsHead(boxes=ROWS.boxes, classes=ROWS.classes, scores=ROWS.scores)
    assert len(DetectionsDecoder(head)(detections([0.9] * 4, count=0), 0.5, 10).scores) == 4


def test_best_rows_come_first_and_no_more_than_asked_for():
    found = DetectionsDecoder(ROWS)(detections([0.6, 0.9, 0.7, 0.8]), 0.5, 2)
    assert found.class_ids.tolist() == [7, 5]


def test_row_of_just_the_threshold_is_reported():
    found = DetectionsDecoder(ROWS)(detections([0.75, 0.5, 0.25, 0]), 0.5, 10)
    assert len(found.scores) == 2


def test_quantised_rows_are_dequantised():
    head = DetectionsHead(
        boxes=tensor("uint8", 1 / 256, 0, 0),
        classes=tensor("uint8", 1.0, 0, 1),
        scores=tensor("int8", 1 / 256, -128, 2),
    )
    stored = [np.array([[64, 0, 128, 192]], np.uint8), np.array([9], np.uint8), np.array([64])]
    found = DetectionsDecoder(head)(stored, 0.5, 10)
    assert found.boxes[0] == pytest.approx([0, 0.25, 0.75, 0.5])
    assert (found.class_ids[0], found.scores[0]) == (9, 0.75)


@pytest.mark.parametrize("place", range(4))
def test_rows_that_are_no_numbers_are_refused_or_left_out(place):
    rows = detections([0.9] * 4)
    rows[place][...] = math.nan
    if place == 3:  # a score that is no number is above no threshold
        assert len(DetectionsDecoder(ROWS)(rows, 0.5, 10).scores) == 0
    else:
        with pytest.raises(InterpreterError, match="not numbers"):
            DetectionsDecoder(ROWS)(rows, 0.5, 10)


def classify(scores, *, threshold=0.0, most=100, spec=None, **rule):
    decoder = ClassifierDecoder(
        ClassifierHead(scores=spec or tensor(shape=(1, len(scores)))), ClassifierRule(**rule)
    )
    array = np.array([scores], (spec or tensor()).dtype)
    before = array.copy()
    result = decoder([array], threshold, most)
    assert np.array_equal(array, before), "the interpreter's memory was written to"
    assert result.boxes.shape == (0, 4)
    return result.class_ids.tolist(), result.scores.tolist()


def test_best_classes_come_first():
    ids, scores = classify([0.1, 0.6, 0.3], top=2)
    assert ids == [1, 2]
    assert scores == pytest.approx([0.6, 0.3])


def test_logits_become_probabilities():
    ids, scores = classify([0.0, math.log(3), -1000.0], score="logit")
    assert ids == [1, 0, 2]
    assert scores == pytest.approx([0.75, 0.25, 0.0])


def test_large_logits_do_not_overflow():
    assert classify([1000.0, 1000.0], score="logit")[1] == [0.5, 0.5]


def test_classes_below_the_threshold_are_left_out():
    assert classify([0.1, 0.6, 0.3], threshold=0.3)[0] == [1, 2]


def test_background_class_is_never_reported_by_a_classifier():
    assert classify([0.8, 0.1, 0.05], background=0)[0] == [1, 2]


def test_quantised_probabilities_are_dequantised():
    spec = tensor("uint8", 1 / 256, 0)
    assert classify([64, 128, 0], spec=spec, top=2) == ([1, 0], [0.5, 0.25])


SSD = make_head(0, 2, tensor(position=0), tensor(position=1))
CLASSIFIER = ClassifierHead(scores=tensor())


def test_decoder_is_chosen_by_rule():
    assert isinstance(make_decoder([SSD], RULE, ANCHORS), SsdDecoder)
    assert isinstance(make_decoder([CLASSIFIER], ClassifierRule(), None), ClassifierDecoder)
    assert isinstance(make_decoder([ROWS], DetectionsRule(), None), DetectionsDecoder)


@pytest.mark.parametrize(
    ("heads", "rule"),
    [
        ([CLASSIFIER], RULE),
        ([SSD, CLASSIFIER], RULE),
        ([], RULE),
        ([SSD], ClassifierRule()),
        ([CLASSIFIER, CLASSIFIER], ClassifierRule()),
        ([], ClassifierRule()),
        ([ROWS], ClassifierRule()),
        ([ROWS], RULE),
        ([ROWS, ROWS], DetectionsRule()),
        ([CLASSIFIER], DetectionsRule()),
    ],
)
def test_heads_that_do_not_fit_the_rule_are_rejected(heads, rule):
    with pytest.raises(BundleError, match="do not belong together"):
        make_decoder(heads, rule, ANCHORS)


def test_each_class_has_its_own_threshold(decoder):
    scores = [[-128, 18, -128], [-128, -128, 18]]  # logit 2, 0.88, of class 1 and of class 2

    def classes(threshold):
        return sorted(decoder(outputs(scores), threshold, 10).class_ids.tolist())

    assert classes(0.5) == [1, 2]
    assert classes((0.5, 0.9, 0.5)) == [2]
    assert classes((0.5, 0.5, 0.9)) == [1]
    assert classes((0.5, 0.9, 0.9)) == []
    assert classes(0.5) == [1, 2]


def test_least_scores_by_class_id():
    assert least_scores(0.5, np.array([0, 7])) == 0.5
    assert least_scores((0.1, 0.2), np.array([1.0, 0.0, 9.0])).tolist() == [0.2, 0.1, 0.2]
