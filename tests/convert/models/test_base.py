from __future__ import annotations

import dataclasses

import pytest

from convert.errors import ConversionError
from convert.models.base import ssd_heads
from device.bundle.decoder_rules import ClassifierRule
from device.bundle.heads import ClassifierHead, TensorSpec
from tests.helpers.tiny_network import DETECTOR


def tensor(position, *shape):
    return TensorSpec(position=position, shape=shape, dtype="float32")


# Two feature maps, of 2x2 cells with 3 anchors each and of one cell with 2, in an order of its own.
OUTPUTS = {
    "scores_1": tensor(0, 1, 1, 1, 4),
    "boxes_0": tensor(1, 1, 2, 2, 12),
    "boxes_1": tensor(2, 1, 1, 1, 8),
    "scores_0": tensor(3, 1, 2, 2, 6),
}


def test_heads_of_feature_maps_are_joined_by_their_names():
    first, second = ssd_heads(OUTPUTS)
    assert (first.boxes.position, first.scores.position) == (1, 3)
    assert (second.boxes.position, second.scores.position) == (2, 0)
    assert (first.first_anchor, first.anchors) == (0, 12)
    assert (second.first_anchor, second.anchors) == (12, 2)


def test_detector_has_ssd_heads():
    assert DETECTOR.task == "detection"
    assert DETECTOR.heads(OUTPUTS) == ssd_heads(OUTPUTS)


@pytest.fixture
def classifier():
    return dataclasses.replace(DETECTOR, decoder=ClassifierRule(), anchors=None)


def test_classifier_has_one_output_of_as_many_scores_as_labels(classifier):
    assert classifier.task == "classification"
    scores = tensor(0, 1, 2)
    assert classifier.heads({"anything": scores}) == (ClassifierHead(scores=scores),)


def test_second_output_of_a_classifier_is_refused(classifier):
    with pytest.raises(ConversionError, match=r"one output, this has \['a', 'b'\]"):
        classifier.heads({"b": tensor(0, 1, 2), "a": tensor(1, 1, 2)})


def test_other_number_of_scores_than_labels_says_both(classifier):
    with pytest.raises(ConversionError, match=r"1001 scores for 2 labels.*--labels"):
        classifier.heads({"scores": tensor(0, 1, 1001)})


@pytest.mark.parametrize(("score", "logits"), [("logit", True), ("probability", False)])
def test_scores_of_a_detector_are_logits_where_its_rule_says_so(score, logits, classifier):
    import msgspec

    rule = msgspec.structs.replace(DETECTOR.decoder, score=score)
    assert dataclasses.replace(DETECTOR, decoder=rule).logits is logits
    assert not classifier.logits
