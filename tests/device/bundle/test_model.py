from __future__ import annotations

import numpy as np
import pytest

from device.bundle.bare_model import BareModel
from device.bundle.bundle import Bundle
from device.bundle.model import Model
from device.errors import BundleError, UsageError


@pytest.fixture(params=["bundle", "bare model"])
def model(request, small_bundle) -> Model:
    """Both kinds, of the same file."""
    bundle = Bundle(small_bundle)
    if request.param == "bundle":
        return bundle
    file = bundle.variant("int8").file
    import msgspec

    manifest = msgspec.structs.replace(bundle.manifest, files={file: bundle.manifest.files[file]})
    return BareModel(small_bundle / file, manifest, bundle.labels, bundle.anchors)


def test_both_kinds_have_labels_anchors_and_a_default_variant(model):
    assert model.default_variant == "int8"
    assert "person" in model.labels
    assert model.anchors.shape == (1917, 4)
    assert model.anchors.dtype == np.float32
    assert len(model.sha256) == 64


def test_file_is_found_and_verified(model, small_bundle):
    file = model.variant("int8").file
    assert model.file(file) == small_bundle / file
    model.verify()


def test_file_that_the_manifest_does_not_name_is_refused(model):
    with pytest.raises(BundleError, match=r"does not vouch for passwd"):
        model.file("passwd")


def test_unknown_variant_is_wrong_usage_and_lists_what_there_is(model):
    with pytest.raises(UsageError, match=r"no variant 'int4' in .* it has: int8"):
        model.variant("int4")


def test_model_without_its_parts_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Model()
