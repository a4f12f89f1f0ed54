from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from device.bundle.decoder_rules import SsdRule
from device.errors import BundleError
from device.inference.candidates import logit
from device.inference.decode_ssd import SsdDecoder, box_coefficients, decode_boxes
from tests.device.inference.conftest import (
    ANCHORS,
    RULE,
    SCALES,
    make_head,
    rows,
    tensor,
    unit,
)


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


@pytest.mark.parametrize(("box_voting", "right"), [(False, 1.0), (True, 1.0 - 0.2 * 0.4)])
def test_boxes_are_voted_on_where_the_rule_says_so(box_voting, right):
    rule = SsdRule(
        anchors="a",
        box_scales=SCALES,
        background=None,
        iou_threshold=0.6,
        score="probability",
        box_voting=box_voting,
    )
    # 0..1 and 0..0.8 across, all of the height; scores 0.8 and 0.8 * sqrt(5 / 6).
    anchors = np.array([[0.5, 0.5, 1, 1], [0.5, 0.4, 1, 0.8]], np.float32)
    head = make_head(0, 2, tensor(position=0, shape=(2, 4)), tensor(position=1, shape=(2, 1)))
    scores = np.array([[0.8], [0.8 * math.sqrt(5 / 6)]], np.float32)
    result = SsdDecoder([head], anchors, rule)([np.zeros((2, 4), np.float32), scores], 0.5, 10)
    # Their weights are 1 and 5 / 6 * 0.8, which is 3 to 2.
    assert result.boxes == pytest.approx(np.array([[0, 0, right, 1]]))
    assert result.scores == pytest.approx([0.8])


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9), st.sampled_from(["int8", "float32"]))
def test_box_that_is_voted_on_does_not_depend_on_the_threshold(seed, threshold, dtype):
    random = np.random.default_rng(seed)
    anchors = random.uniform(0.4, 0.6, (30, 4)).astype(np.float32)
    rule = SsdRule(
        anchors="a", box_scales=SCALES, background=None, iou_threshold=0.6, box_voting=True
    )
    scale = (0.05, 0) if dtype == "int8" else (0.0, 0)
    head = make_head(0, 30, tensor("float32", 0, 0, 0, (30, 4)), tensor(dtype, *scale, 1, (30, 2)))
    scores = random.integers(-128, 128, (30, 2))
    stored = [
        random.uniform(-1, 1, (30, 4)).astype(np.float32),
        scores.astype(np.int8) if dtype == "int8" else (scores * 0.05).astype(np.float32),
    ]
    decode = SsdDecoder([head], anchors, rule)
    low, high = decode(stored, 0.001, 60), decode(stored, threshold, 60)
    told = low.only(low.scores >= np.float32(threshold))
    np.testing.assert_array_equal(high.scores, told.scores)
    np.testing.assert_allclose(high.boxes, told.boxes, rtol=1e-6)


def test_each_class_has_its_own_threshold(decoder):
    scores = [[-128, 18, -128], [-128, -128, 18]]  # logit 2, 0.88, of class 1 and of class 2

    def classes(threshold):
        return sorted(decoder(outputs(scores), threshold, 10).class_ids.tolist())

    assert classes(0.5) == [1, 2]
    assert classes((0.5, 0.9, 0.5)) == [2]
    assert classes((0.5, 0.5, 0.9)) == [1]
    assert classes((0.5, 0.9, 0.9)) == []
    assert classes(0.5) == [1, 2]


@pytest.mark.parametrize(
    ("boxes", "scores"),
    [((1, 1, 1, 8), (1, 1, 1, 9)), ((1, 10**9), (1, 2, 3)), ((1, 8), (1, 10**6, 2)), ((0,), (0,))],
)
def test_heads_that_do_not_hold_what_they_say_are_refused_before_they_are_made(boxes, scores):
    good = make_head(0, 2, tensor(position=0, shape=(1, 8)), tensor(position=1, shape=(1, 2, 3)))
    bad = make_head(0, 2, tensor(position=2, shape=boxes), tensor(position=3, shape=scores))
    with pytest.raises(BundleError, match=r"outputs 2 and 3 hold .* 2 anchors"):
        SsdDecoder([good, bad], ANCHORS, RULE)


def test_heads_that_share_a_tensor_are_refused():
    head = make_head(0, 2, tensor(position=0, shape=(1, 8)), tensor(position=1, shape=(1, 2, 3)))
    with pytest.raises(BundleError, match="one output for two things"):
        SsdDecoder([head, head], ANCHORS, RULE)
