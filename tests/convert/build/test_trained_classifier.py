from __future__ import annotations

from convert.build.trained_classifier import TrainedClassifier
from device.bundle.decoder_rules import ClassifierRule


def trained(*classes: str) -> TrainedClassifier:
    """One without weights."""
    return TrainedClassifier("mine", classes, 96, (), dict.fromkeys(classes, 0.30004), "pictures/")


def test_network_is_what_was_trained():
    network = trained("cat", "dog").network()
    assert (network.name, network.labels) == ("mine", ("cat", "dog"))
    assert network.title == "MobileNetV2 trained on cat, dog"
    assert network.task == "classification"
    assert network.decoder == ClassifierRule(score="logit", top=2)
    assert network.class_thresholds == {"cat": 0.3, "dog": 0.3}
    assert network.threshold == 0.3


def test_of_many_classes_five_are_told_at_most():
    decoder = trained(*"abcdefgh").network().decoder
    assert isinstance(decoder, ClassifierRule)
    assert decoder.top == 5


def test_whole_image_is_seen_and_becomes_minus_one_to_one():
    rule = trained("cat", "dog").network().input
    assert rule.resize == "stretch"
    assert rule.value_range == (-1.0, 1.0)
