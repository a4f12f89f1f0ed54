from __future__ import annotations

from dataclasses import replace

from device.records import Classification, Detection
from tests.device.conftest import make_outcome

CAT = Detection(17, "cat", 0.93, 10, 12, 40, 44)
DOG = Detection(18, "dog", 0.8, 0, 0, 10, 10)
CUP = Detection(47, "cup", 0.7, 0, 0, 10, 10)


def test_best_of_the_labels_asked_for_is_found():
    result = make_outcome(detections=(CUP, DOG, CAT)).result
    assert result.best_of(["cat", "dog"]) is DOG
    assert result.best_of(["person"]) is None
    assert make_outcome().result.best_of(["cat"]) is None


def test_best_of_a_classifier_is_among_its_classes():
    cat = Classification(3, "cat", 0.2)
    classes = (Classification(4, "dog", 0.7), cat)
    result = replace(make_outcome().result, classes=classes)
    assert result.best_of(["cat"]) is cat
    assert result.findings == classes


def test_kept_detection_is_not_new():
    result = replace(make_outcome(detections=(CAT,)).result, kept=True)
    assert result.best_of(["cat"]) is None
    assert result.findings == (CAT,)


def test_frame_age_is_from_capture_to_the_end_of_drawing():
    assert round(make_outcome(3).frame_age_ms, 6) == 10.5


def test_sizes_and_boxes_are_in_the_order_of_their_names():
    assert make_outcome().frame.size_wh == (64, 48)
    assert CAT.box == (10, 12, 40, 44)
