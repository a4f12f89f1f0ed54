from __future__ import annotations

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.anchors import ssd_anchors
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.models.zoo_network import ssdlite_network
from device.errors import UsageError


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    """A folder that is believed to hold the published files: none is read before the export."""

    def folder(model, given):
        assert model is SSDLITE_MOBILENET_V2
        return tmp_path, "a test"

    monkeypatch.setattr("convert.models.zoo_network.weights_folder", folder)
    return tmp_path


def test_network_knows_the_classes_that_have_a_name():
    network = ssdlite_network(SSDLITE_MOBILENET_V2, None)
    assert len(network.labels) == 80
    assert network.labels[0] == "person"
    assert network.labels[-1] == "toothbrush"
    assert network.task == "detection"
    assert network.decoder.background is None
    assert network.decoder.box_voting


def test_chosen_classes_keep_the_order_asked_for():
    network = ssdlite_network(SSDLITE_MOBILENET_V2, None, ["dog", "person"])
    assert network.labels == ("dog", "person")
    np.testing.assert_array_equal(network.anchors, ssd_anchors())


def test_unknown_class_is_wrong_usage():
    with pytest.raises(UsageError, match="catt"):
        ssdlite_network(SSDLITE_MOBILENET_V2, None, ["catt"])


def test_source_and_checksums_go_into_the_bundle():
    network = ssdlite_network(SSDLITE_MOBILENET_V2, None)
    assert network.source == "a test"
    assert network.weights_sha256 == SSDLITE_MOBILENET_V2.files


def test_weights_that_cannot_be_had_are_told_at_once(monkeypatch):
    def missing(*_):
        raise WeightsError("model.json is missing")

    monkeypatch.setattr("convert.models.zoo_network.weights_folder", missing)
    with pytest.raises(WeightsError, match=r"model\.json is missing"):
        ssdlite_network(SSDLITE_MOBILENET_V2, None)
