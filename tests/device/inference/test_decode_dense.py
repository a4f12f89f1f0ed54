from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.decoder_rules import DenseRule
from device.bundle.heads import DenseHead, RowsHead, TensorSpec
from device.errors import BundleError, InterpreterError
from device.inference.decode_dense import DenseDecoder, RowsDecoder

WH = (200, 100)  # of the input, in pixels
# A box in the middle, half as wide and a fifth as high as the input: as centre and size.
MIDDLE = (0.5, 0.5, 0.5, 0.2)
CORNERS = (0.25, 0.4, 0.75, 0.6)
LEFT = (0.1, 0.5, 0.2, 0.2)


# Two candidates in each cell of 50 pixels, then one in each of 100: 4 x 2 cells and 2 x 1.
CELLS = ((50, 2), (100, 1))


def spec(values: np.ndarray, scale=0.0, zero_point=0, position=0) -> TensorSpec:
    return TensorSpec(
        position=position,
        shape=values.shape,
        dtype=values.dtype.name,
        scale=scale,
        zero_point=zero_point,
    )


def rule(classes: int, **changes) -> DenseRule:
    given = {"box": "xywh", "units": "fraction", "iou_threshold": 0.7} | changes
    return DenseRule(classes=classes, **given)


def decode(rows, a_rule: DenseRule, threshold=0.25, most=100, **quantised):
    """Of one tensor, a row per candidate; laid out as the rule wants it."""
    values = np.asarray(rows)
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    if a_rule.candidates == "columns":
        values = np.ascontiguousarray(values.T)
    values = values[np.newaxis]
    one = spec(values, **quantised)
    found = DenseDecoder(DenseHead(boxes=one, scores=one), a_rule, WH)([values], threshold, most)
    return (
        found.boxes.round(4).tolist(),
        found.scores.round(4).tolist(),
        found.class_ids.tolist(),
    )


@pytest.mark.parametrize("candidates", ["rows", "columns"])
def test_score_is_that_of_the_class_where_there_is_no_objectness(candidates):
    rows = [(*MIDDLE, 0.1, 0.9, 0.2), (*LEFT, 0.3, 0.2, 0.1), (*LEFT, 0.1, 0.2, 0.1)]
    boxes, scores, classes = decode(rows, rule(3, candidates=candidates))
    assert scores == pytest.approx([0.9, 0.3])
    assert classes == [1, 0]
    assert boxes == [pytest.approx(CORNERS), pytest.approx((0.0, 0.4, 0.2, 0.6))]


@pytest.mark.parametrize("candidates", ["rows", "columns"])
def test_score_is_the_product_with_the_objectness(candidates):
    # 0.5 * 0.6 = 0.3 passes; 0.5 * 0.4 and 0.2 * 1 do not, though a factor would.
    rows = [(*MIDDLE, 0.5, 0.6, 0.4), (*LEFT, 0.2, 1.0, 1.0)]
    _, scores, classes = decode(rows, rule(2, candidates=candidates, objectness=True))
    assert (scores, classes) == ([pytest.approx(0.3)], [0])


def test_what_comes_after_the_classes_is_not_looked_at():
    rows = [(*MIDDLE, 0.6, 0.1, 99.0, -99.0)]  # two classes, then coefficients of a mask
    assert decode(rows, rule(2))[1:] == ([pytest.approx(0.6)], [0])


@pytest.mark.parametrize(
    ("units", "factor"), [("fraction", (1, 1)), ("pixels", WH), ("either", (1, 1)), ("either", WH)]
)
@pytest.mark.parametrize(
    ("box", "values"),
    [
        ("xywh", MIDDLE),
        ("xyxy", CORNERS),
        ("yxyx", (0.4, 0.25, 0.6, 0.75)),
    ],
)
def test_box_of_any_form_and_unit_is_the_same(box, values, units, factor):
    across = factor[::-1] * 2 if box == "yxyx" else factor * 2
    row = (*np.multiply(values, across), 0.9)
    boxes, _, _ = decode([row], rule(1, box=box, units=units))
    assert boxes == [pytest.approx(CORNERS)]


def test_boxes_of_one_class_that_overlap_are_one_object_those_of_another_are_not():
    near = (0.51, 0.5, 0.5, 0.2)
    rows = [(*MIDDLE, 0.9, 0.0), (*near, 0.8, 0.7)]
    _, scores, classes = decode(rows, rule(2))
    assert (scores, classes) == (pytest.approx([0.9, 0.7]), [0, 1])


def test_quantised_score_of_just_the_threshold_is_reported_and_the_next_lower_is_not():
    # Scale 1/256, zero point -128: 0.25 is -64. The box: 0.5, 0.5, 0.25, 0.25.
    box = (0, 0, -64, -64)
    rows = np.array([(*box, -64), (*box, -65)], np.int8)
    boxes, scores, _ = decode(rows, rule(1), scale=1 / 256, zero_point=-128)
    assert scores == [0.25]
    assert boxes == [[0.375, 0.375, 0.625, 0.625]]


def test_quantised_product_is_compared_as_real_numbers():
    # Scale 0.008, zero point 2: 64 is 0.496, 66 is 0.512; 0.496 * 0.496 = 0.246, 0.512^2 = 0.262.
    box = (64, 64, 34, 34)
    rows = np.array([(*box, 64, 64), (*box, 66, 66)], np.uint8)
    _, scores, _ = decode(rows, rule(1, objectness=True), scale=0.008, zero_point=2)
    assert scores == [pytest.approx(0.2621, abs=1e-3)]


def test_score_beyond_one_by_a_step_of_quantisation_is_one():
    rows = np.array([(64, 64, 34, 34, 127, 127)], np.uint8)
    _, scores, _ = decode(rows, rule(1, objectness=True), scale=0.00801, zero_point=2)
    assert scores == [1.0]


def test_logits_become_probabilities():
    rows = [(*MIDDLE, 0.0, -2.0)]
    assert decode(rows, rule(2, score="logit"))[1:] == ([0.5], [0])


def test_background_is_never_reported():
    rows = [(*MIDDLE, 0.9, 0.6)]
    assert decode(rows, rule(2, background=0))[1:] == ([pytest.approx(0.6)], [1])


def test_each_class_has_its_own_threshold():
    rows = [(*MIDDLE, 0.5, 0.5), (*LEFT, 0.3, 0.3)]
    assert decode(rows, rule(2), threshold=(0.4, 0.2))[1:] == (
        pytest.approx([0.5, 0.5, 0.3]),
        [0, 1, 1],
    )


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 6), (1.0, 0)])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_threshold_of_nothing_reports_all_and_of_one_nothing(dtype, threshold, count):
    rows = np.full((3, 6), 1 if dtype != "float32" else 0.01, dtype)
    rows[:, :4] = np.arange(3)[:, np.newaxis] * 7
    scale = 0.0 if dtype == "float32" else 1 / 300
    _, scores, _ = decode(rows, rule(2, iou_threshold=1.0), threshold=threshold, scale=scale)
    assert len(scores) == count


def test_only_the_best_are_kept():
    rows = [(x, 0.5, 0.01, 0.01, x) for x in (0.3, 0.9, 0.6)]
    assert decode(rows, rule(1), most=2)[1] == pytest.approx([0.9, 0.6])


def test_two_tensors_hold_boxes_and_scores_each():
    boxes = np.array([[[0.4, 0.25, 0.6, 0.75], [0, 0, 1, 1]]], np.float32)
    scores = np.array([[[0.9, 0.1, 0.7], [0.9, 0.1, 0.2]]], np.float32)
    head = DenseHead(boxes=spec(boxes, position=1), scores=spec(scores))
    a_rule = rule(3, box="yxyx", background=0)
    found = DenseDecoder(head, a_rule, WH)([scores, boxes], 0.25, 100)
    assert found.class_ids.tolist() == [2]
    assert found.boxes[0].tolist() == pytest.approx(CORNERS)


def test_nothing_above_the_threshold_is_an_empty_result():
    assert decode([(*MIDDLE, 0.1)], rule(1)) == ([], [], [])


def test_boxes_that_are_no_numbers_are_refused():
    with pytest.raises(InterpreterError, match="not numbers"):
        decode([(np.nan, 0.5, 0.1, 0.1, 0.9)], rule(1))


def test_tensor_too_narrow_for_its_classes_is_refused():
    with pytest.raises(BundleError, match="too small for 2 classes"):
        decode([(*MIDDLE, 0.9)], rule(2))


@given(st.data(), st.floats(0.01, 0.99), st.sampled_from(["rows", "columns"]), st.booleans())
def test_what_passes_is_what_passes_one_by_one(data, threshold, candidates, objectness):
    count = data.draw(st.integers(1, 8))
    stored = data.draw(
        st.lists(
            st.lists(st.integers(-128, 127), min_size=7, max_size=7),
            min_size=count,
            max_size=count,
        )
    )
    rows = np.array(stored, np.int8)
    rows[:, :4] = np.arange(count)[:, np.newaxis] * 4  # apart from each other
    classes = 3 - objectness
    a_rule = rule(classes, candidates=candidates, objectness=objectness, iou_threshold=1.0)
    _, scores, ids = decode(rows, a_rule, threshold=threshold, scale=1 / 255, zero_point=-128)
    real = (rows.astype(np.float32) + 128) * np.float32(1 / 255)
    product = real[:, 5:] * real[:, 4:5] if objectness else real[:, 4:]
    clear = np.abs(product - threshold) > 1e-4
    assert len(scores) >= np.count_nonzero((product >= threshold) & clear)
    assert len(scores) <= np.count_nonzero((product >= threshold) | ~clear)
    assert set(ids) <= set(range(classes))


def rows_of(rows, units="fraction", threshold=0.25, most=100, **quantised):
    values = np.asarray(rows, quantised.pop("dtype", np.float32))[np.newaxis]
    decoder = RowsDecoder(RowsHead(rows=spec(values, **quantised)), units, WH)
    found = decoder([values], threshold, most)
    return found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist()


def test_rows_are_read_as_corners_score_and_class():
    rows = [(*CORNERS, 0.5, 3), (0.0, 0.0, 0.5, 0.5, 0.75, 0), (0, 0, 0.5, 0.5, 0.125, 1)]
    boxes, scores, classes = rows_of(rows)
    assert (scores, classes) == ([0.75, 0.5], [0, 3])
    assert boxes[1] == pytest.approx(CORNERS)


@pytest.mark.parametrize("units", ["pixels", "either"])
def test_rows_in_pixels_are_divided_by_the_input(units):
    boxes, _, _ = rows_of([(50, 40, 150, 60, 0.5, 3)], units)
    assert boxes == [pytest.approx(CORNERS)]


def test_rows_of_zeros_are_no_detections_even_where_all_is_to_be_reported():
    assert rows_of(np.zeros((300, 6)), threshold=0.0) == ([], [], [])


def test_no_more_rows_than_asked_for():
    assert rows_of([(0, 0, 1, 1, 0.5, n) for n in range(5)], most=2)[2] == [0, 1]


def test_rows_that_are_no_numbers_are_refused():
    with pytest.raises(InterpreterError, match="not numbers"):
        rows_of([(*CORNERS, np.nan, 1)])


def test_tensor_without_rows_of_six_is_refused():
    with pytest.raises(BundleError, match="not rows of six"):
        rows_of([(0, 0, 1, 1, 0.5)])


@pytest.mark.parametrize("candidates", ["rows", "columns"])
def test_box_is_measured_from_the_middle_of_its_cell(candidates):
    rows = np.zeros((2 * 8 + 2, 5))
    rows[2 * 5] = (5, -5, 20, 10, 0.9)  # row 1, column 1 of the first map: middle (75, 75)
    rows[2 * 8 + 1] = (0, 0, 40, 40, 0.8)  # column 1 of the second: middle (150, 50)
    measured = rule(1, units="pixels", cells=CELLS, candidates=candidates)
    boxes, scores, _ = decode(rows, measured)
    assert scores == pytest.approx([0.9, 0.8])
    assert boxes[0] == pytest.approx((70 / 200, 65 / 100, 90 / 200, 75 / 100))
    assert boxes[1] == pytest.approx((130 / 200, 30 / 100, 170 / 200, 70 / 100))


def test_cells_of_another_number_of_candidates_are_refused():
    with pytest.raises(BundleError, match="cells of 18 candidates, the model 17"):
        decode(np.zeros((17, 5)), rule(1, units="pixels", cells=CELLS))


def test_cells_are_of_boxes_in_pixels_alone():
    with pytest.raises(ValueError, match="Expected `cells`"):
        rule(1, cells=CELLS)


def beside(anchors, dtype=np.float32, **quantised):
    """Two candidates, both a whole width to the right of, and as high as, their anchors."""
    offsets = np.array([[[1, 0, 1, 0]] * 2], np.float32)
    scores = np.array([[[0.9], [0.8]]], np.float32)
    given = np.array([anchors], dtype)
    head = DenseHead(
        boxes=spec(offsets),
        scores=spec(scores, position=1),
        anchors=spec(given, position=2, **quantised),
    )
    decoder = DenseDecoder(head, rule(1, box="xyxy"), WH)
    return decoder([offsets, scores, given], 0.5, 10).boxes


@pytest.mark.parametrize(
    "tensor",
    [
        {"anchors": [[0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.6, 0.9]]},
        {
            "anchors": [[10, 20, 30, 60], [50, 50, 60, 90]],
            "dtype": np.uint8,
            "scale": 0.01,
        },
    ],
    ids=["float", "integers"],
)
def test_box_lies_beside_the_anchor_that_the_model_gives(tensor):
    boxes = beside(**tensor)
    assert boxes[0] == pytest.approx((0.3, 0.2, 0.5, 0.6), abs=1e-6)
    assert boxes[1] == pytest.approx((0.6, 0.5, 0.7, 0.9), abs=1e-6)


def test_too_few_anchors_are_refused():
    with pytest.raises(BundleError, match=r"is \(1, 1, 4\), no anchors of 2 candidates"):
        beside([[0.1, 0.2, 0.3, 0.6]])
