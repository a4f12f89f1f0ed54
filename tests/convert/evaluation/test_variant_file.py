from __future__ import annotations

import shutil

import numpy as np
import pytest

from convert.evaluation.variant_file import (
    ExtendedBundle,
    describe_like,
    replace_tensors,
)
from convert.quantization.candidate_spec import CandidateSpec
from device.bundle.bundle import Bundle
from device.bundle.heads import ClassifierHead, SsdHead, TensorSpec
from device.errors import BundleError, InterpreterError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame


@pytest.fixture
def bundle(built):
    return Bundle(built / "bundle")


@pytest.fixture
def int16_file(built, maker, tmp_path):
    """A candidate, described: its first layer has 16-bit activations."""
    path = tmp_path / "candidate.tflite"
    path.write_bytes(maker.make(CandidateSpec(int16_layers=frozenset([0]))))
    float32 = Bundle(built / "bundle").variant("float32")
    return describe_like(path, built / "bundle" / float32.file, float32)


def test_candidate_is_described_by_its_own_tensors_in_the_roles_of_float32s(int16_file, bundle):
    variant, float32 = int16_file.variant, bundle.variant("float32")
    assert variant.file == "candidate.tflite"
    assert variant.size_bytes == int16_file.path.stat().st_size
    (head,), (reference,) = variant.heads, float32.heads
    assert isinstance(head, ClassifierHead)
    assert head.scores.shape == reference.scores.shape
    assert (head.scores.dtype, reference.scores.dtype) == ("int8", "float32")
    assert variant.input.dtype == "int8"


def test_file_that_is_no_model_is_refused(bundle, tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"TFL3")
    float32 = bundle.variant("float32")
    with pytest.raises(InterpreterError):
        describe_like(tmp_path / "broken.tflite", bundle.file(float32.file), float32)


def test_engine_runs_a_file_that_the_bundle_does_not_hold(bundle, int16_file, built):
    model = ExtendedBundle(bundle, {"candidate": int16_file})
    frame = Frame(read_image(built / "pictures" / "03.png"), 0, 0.0)
    found = []
    for variant in ("candidate", "float32"):
        with Engine(model, variant, interpreter="litert", threads=1, threshold=0.0) as engine:
            found.append(engine.run(frame).classes)
    scores = [{item.label: item.score for item in classes} for classes in found]
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


def test_what_the_bundle_holds_is_what_it_was(bundle, int16_file):
    model = ExtendedBundle(bundle, {"candidate": int16_file})
    assert model.labels == bundle.labels
    assert model.sha256 == bundle.sha256
    assert model.anchors is None
    assert model.variant("int8") == bundle.variant("int8")
    assert model.file("candidate.tflite") == int16_file.path
    assert "candidate" not in bundle.manifest.variants
    with pytest.raises(UsageError, match="it has: float32, int8, candidate"):
        model.variant("int4")


def test_files_of_the_bundle_are_still_verified(bundle, int16_file, tmp_path):
    copy = shutil.copytree(bundle.folder, tmp_path / "bundle")
    (copy / "int8.tflite").write_bytes(b"")
    model = ExtendedBundle(Bundle(copy), {"candidate": int16_file})
    with pytest.raises(BundleError, match=r"int8\.tflite is damaged"):
        model.file("int8.tflite")


def test_every_tensor_of_a_head_is_replaced_by_the_one_for_its_position():
    def tensor(position, dtype="float32"):
        return TensorSpec(position=position, shape=(1, 6, 4), dtype=dtype)

    head = SsdHead(boxes=tensor(0), scores=tensor(1), first_anchor=2, anchors=6)
    (moved,) = replace_tensors([head], {0: tensor(5, "int8"), 1: tensor(3, "int8")})
    assert (moved.boxes.position, moved.scores.position) == (5, 3)
    assert (moved.first_anchor, moved.anchors) == (2, 6)
    assert np.dtype(moved.boxes.dtype) == np.int8
