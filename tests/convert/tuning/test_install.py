from __future__ import annotations

import msgspec
import pytest

from convert.build import checker as module
from convert.build.bundle_writer import write_manifest
from convert.quantization.candidate_spec import CandidateSpec
from convert.tuning.install import TUNED, add_tuned, bundle_contract
from device.bundle.bundle import Bundle
from device.errors import BundleError, InterpreterError


@pytest.fixture(autouse=True)
def only_litert(monkeypatch):
    """Others take seconds to start."""
    litert = {"litert": module.installed_interpreters()["litert"]}
    monkeypatch.setattr(module, "installed_interpreters", lambda: litert)


def test_contract_is_what_the_bundle_promises(built):
    bundle = Bundle(built / "bundle")
    contract = bundle_contract(bundle)
    assert contract.labels == bundle.labels
    assert contract.input == bundle.manifest.input
    assert contract.max_detections == bundle.manifest.max_detections
    assert contract.anchors is None
    tensor = msgspec.structs.replace(bundle.variant("int8").heads[0].scores, position=0)
    (head,) = contract.heads({"scores": tensor})
    assert head.scores == tensor


def test_classes_keep_the_thresholds_that_the_bundle_has_for_them(tiny_bundle):
    manifest = Bundle(tiny_bundle).manifest
    own = msgspec.structs.replace(manifest, class_thresholds={"class 3": 0.02})
    write_manifest(tiny_bundle, own)
    assert bundle_contract(Bundle(tiny_bundle)).thresholds == (0.1, 0.1, 0.1, 0.02, 0.1)


def test_tuned_variant_is_checked_and_shows_what_it_finds(tiny_bundle, maker):
    before = Bundle(tiny_bundle).manifest
    add_tuned(Bundle(tiny_bundle), maker.make(CandidateSpec()), {"precision": "mixed"})
    bundle = Bundle(tiny_bundle)
    bundle.verify()
    assert list(bundle.manifest.variants) == ["float32", "int8", TUNED]
    tuned = bundle.variant(TUNED)
    assert tuned.recipe == {"precision": "mixed"}
    assert tuned.checks["litert"].ok
    (sample,) = bundle.manifest.samples
    assert sample.detections[TUNED]
    assert bundle.variant("int8") == before.variants["int8"]


def test_file_that_litert_refuses_leaves_the_bundle_as_it_was(tiny_bundle):
    before = (tiny_bundle / "manifest.json").read_bytes()
    with pytest.raises(InterpreterError):
        add_tuned(Bundle(tiny_bundle), b"TFL3", {})
    assert (tiny_bundle / "manifest.json").read_bytes() == before
    assert [path.name for path in tiny_bundle.parent.iterdir()] == ["bundle"]


def test_damaged_bundle_is_refused(tiny_bundle):
    (tiny_bundle / "labels.txt").write_text("cat\n")
    with pytest.raises(BundleError, match=r"labels\.txt is damaged"):
        add_tuned(Bundle(tiny_bundle), b"", {})
