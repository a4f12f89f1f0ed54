from __future__ import annotations

import math

import numpy as np
import pytest

from device.bundle.decoder_rules import ClassifierRule
from device.bundle.heads import ClassifierHead
from device.inference.decode_classes import ClassifierDecoder
from tests.device.inference.conftest import tensor


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


@pytest.mark.parametrize(
    ("score", "value", "expected"),
    [
        ("binary", 0.75, [(1, 0.75), (0, 0.25)]),
        ("binary", 0.125, [(0, 0.875), (1, 0.125)]),
        ("binary-logit", 0.0, [(0, 0.5), (1, 0.5)]),
        ("binary-logit", -1.0986123, [(0, 0.75), (1, 0.25)]),  # the logarithm of a third
    ],
)
def test_one_output_tells_two_classes_apart(score, value, expected):
    ids, scores = classify([value], score=score)
    assert ids == [class_id for class_id, _ in expected]
    assert scores == pytest.approx([probability for _, probability in expected])
