from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.anchors import AnchorLayout
from convert.models.ssdlite import build_ssdlite
from convert.training.trainable_bundle import (
    bundle_layout,
    bundle_network,
    bundle_start,
    refuse_foreign,
)
from convert.training.weights_file import WEIGHTS, pack_weights
from device.bundle.bundle import Bundle
from tests.helpers.tiny_bundle import write_bundle, write_images

SIZE = 48  # of the tiny bundle
LABELS = ("cat", "dog")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bundle with the weights of an SSDLite beside it, of random numbers."""
    place = tmp_path_factory.mktemp("trainable")
    write_images(place / "images")
    write_bundle(place / "own", place / "images")
    random = np.random.default_rng(0)
    model = build_ssdlite(len(LABELS), 96)
    model.set_weights([random.normal(0, 0.05, item.shape) for item in model.variables])
    (place / "own" / WEIGHTS).write_bytes(pack_weights(model, LABELS))
    return place / "own"


def test_network_of_some_classes_has_their_columns(folder):
    start, columns = bundle_start(Bundle(folder), ["dog"])
    assert (start.labels, columns) == (LABELS, [1])
    whole, dogs = (bundle_network(Bundle(folder), names) for names in (LABELS, ["dog"]))
    name = "BoxPredictor_1.ClassPredictor"
    both, own = (item.get_layer(name).bias.numpy() for item in (whole, dogs))
    assert (both.reshape(-1, 2)[:, 1] == own).all()


def test_weights_of_other_classes_are_refused(folder):
    with pytest.raises(WeightsError, match="without bird; it has cat, dog"):
        bundle_start(Bundle(folder), ["bird"])


def test_finished_file_is_refused_for_its_purpose(folder, tmp_path):
    write_images(tmp_path / "images")
    write_bundle(tmp_path / "own", tmp_path / "images")
    with pytest.raises(WeightsError, match="cannot serve --teacher; expected"):
        refuse_foreign(Bundle(tmp_path / "own"), "--teacher")


def test_layout_of_a_bundle_is_that_of_its_anchors():
    layout = AnchorLayout(160, 1.5)
    manifest = SimpleNamespace(input=SimpleNamespace(width=160))
    bundle = SimpleNamespace(anchors=layout.anchors(), manifest=manifest)
    assert bundle_layout(bundle).scale == pytest.approx(1.5)
    assert not bundle_layout(bundle).even


def test_layout_of_a_bundle_of_before_has_even_cells():
    layout = AnchorLayout(160, 1.5, even=True)
    manifest = SimpleNamespace(input=SimpleNamespace(width=160))
    assert bundle_layout(SimpleNamespace(anchors=layout.anchors(), manifest=manifest)).even


def test_bundle_with_anchors_of_another_network_is_refused(folder):
    with pytest.raises(WeightsError, match="its anchors are not those of an SSDLite of 32 pixels"):
        bundle_layout(Bundle(folder))
