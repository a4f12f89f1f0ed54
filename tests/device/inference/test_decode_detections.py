from __future__ import annotations

import math

import numpy as np
import pytest

from device.bundle.decoder_rules import DetectionsRule
from device.bundle.heads import DetectionsHead
from device.errors import InterpreterError
from device.inference.decode_detections import DetectionsDecoder
from tests.device.inference.conftest import ROWS, tensor

RULE = DetectionsRule()


def detections(scores, classes=(0, 7, 3, 5), count=4):
    boxes = [[0.1 * row, 0.2, 0.9, 0.7] for row in range(4)]
    arrays = ([classes], [count], [boxes], [scores])
    return [np.array(array, np.float32) for array in arrays]


def test_rows_of_a_decoding_model_are_read_by_role():
    result = DetectionsDecoder(ROWS, RULE)(detections([0.9, 0.8, 0.6, 0.2]), 0.5, 10)
    assert result.class_ids.tolist() == [0, 7, 3]
    assert result.scores == pytest.approx([0.9, 0.8, 0.6])
    # y_min, x_min, y_max, x_max become x_min, y_min, x_max, y_max
    assert result.boxes[1] == pytest.approx([0.2, 0.1, 0.7, 0.9])


def test_corners_with_x_first_are_read_as_they_are():
    decode = DetectionsDecoder(ROWS, DetectionsRule(box="xyxy"))
    result = decode(detections([0.9, 0.8, 0.6, 0.2]), 0.5, 10)
    assert result.boxes[1] == pytest.approx([0.1, 0.2, 0.9, 0.7])


def test_rows_beyond_the_count_mean_nothing():
    found = DetectionsDecoder(ROWS, RULE)(detections([0.9, 0.8, 0.7, 0.6], count=2), 0.5, 10)
    assert found.class_ids.tolist() == [0, 7]
    for count in (0, -1):
        none = DetectionsDecoder(ROWS, RULE)(detections([0.9] * 4, count=count), 0.5, 10)
        assert (none.boxes.shape, none.scores.shape) == ((0, 4), (0,))


def test_all_rows_are_meant_where_there_is_no_count():
    head = DetectionsHead(boxes=ROWS.boxes, classes=ROWS.classes, scores=ROWS.scores)
    assert len(DetectionsDecoder(head, RULE)(detections([0.9] * 4, count=0), 0.5, 10).scores) == 4


def test_best_rows_come_first_and_no_more_than_asked_for():
    found = DetectionsDecoder(ROWS, RULE)(detections([0.6, 0.9, 0.7, 0.8]), 0.5, 2)
    assert found.class_ids.tolist() == [7, 5]


def test_row_of_just_the_threshold_is_reported():
    found = DetectionsDecoder(ROWS, RULE)(detections([0.75, 0.5, 0.25, 0]), 0.5, 10)
    assert len(found.scores) == 2


def test_quantised_rows_are_dequantised():
    head = DetectionsHead(
        boxes=tensor("uint8", 1 / 256, 0, 0),
        classes=tensor("uint8", 1.0, 0, 1),
        scores=tensor("int8", 1 / 256, -128, 2),
    )
    stored = [np.array([[64, 0, 128, 192]], np.uint8), np.array([9], np.uint8), np.array([64])]
    found = DetectionsDecoder(head, RULE)(stored, 0.5, 10)
    assert found.boxes[0] == pytest.approx([0, 0.25, 0.75, 0.5])
    assert (found.class_ids[0], found.scores[0]) == (9, 0.75)


@pytest.mark.parametrize("place", range(4))
def test_rows_that_are_no_numbers_are_refused_or_left_out(place):
    rows = detections([0.9] * 4)
    rows[place][...] = math.nan
    if place == 3:  # a score that is no number is above no threshold
        assert len(DetectionsDecoder(ROWS, RULE)(rows, 0.5, 10).scores) == 0
    else:
        with pytest.raises(InterpreterError, match="not numbers"):
            DetectionsDecoder(ROWS, RULE)(rows, 0.5, 10)
