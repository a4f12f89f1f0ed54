from __future__ import annotations

import dataclasses
from pathlib import Path

from convert.build.contract import contract_of
from device.bundle.decoder_rules import ClassifierRule
from device.bundle.defaults import MAX_DETECTIONS, threshold_for
from device.bundle.heads import ClassifierHead, TensorSpec
from tests.helpers.tiny_network import ANCHORS, DETECTOR


def test_contract_is_what_the_network_says():
    contract = contract_of(DETECTOR)
    assert contract.task == "detection"
    assert contract.labels == ("cat", "dog")
    assert contract.input == DETECTOR.input
    assert contract.decoder == DETECTOR.decoder
    assert contract.anchors is ANCHORS
    assert contract.max_detections == MAX_DETECTIONS


def test_threshold_is_the_networks_or_what_suits_its_task():
    assert contract_of(DETECTOR).threshold == threshold_for("detection")
    assert contract_of(dataclasses.replace(DETECTOR, threshold=0.3)).threshold == 0.3


def test_classes_with_thresholds_of_their_own_get_one_for_each():
    plain = contract_of(dataclasses.replace(DETECTOR, threshold=0.4))
    assert plain.thresholds == 0.4
    own = dataclasses.replace(DETECTOR, threshold=0.4, class_thresholds={"dog": 0.1})
    assert contract_of(own).thresholds == (0.4, 0.1)


def test_heads_are_those_that_the_network_makes_of_a_files_outputs():
    classifier = dataclasses.replace(DETECTOR, decoder=ClassifierRule(), anchors=None)
    scores = TensorSpec(position=3, shape=(1, 2), dtype="int8")
    contract = contract_of(classifier)
    assert contract.task == "classification"
    assert contract.heads({"scores": scores}) == (ClassifierHead(scores=scores),)


def test_nothing_is_exported_for_a_contract():
    def export(_: Path) -> int:
        raise AssertionError("TensorFlow is not asked")

    contract_of(dataclasses.replace(DETECTOR, export=export))
