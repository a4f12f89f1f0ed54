from __future__ import annotations

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker
from convert.quantization.quantize import _from_nearer, best_int8, quantize
from convert.quantization.recipe import HURRIED, TRAINED, TRAINED_ROUNDED, Int8Method, Recipe


def nothing():
    yield from ()


def test_integers_only_means_no_other_tensor(bundle_dir, monkeypatch):
    recipe = Recipe(precision="int8", calibration_pictures=1, integer_outputs=True)
    float32, int8 = ((bundle_dir / f"{name}.tflite").read_bytes() for name in ("float32", "int8"))
    monkeypatch.setattr("convert.quantization.quantize._convert", lambda *_: int8)
    assert quantize(bundle_dir, recipe, nothing)
    monkeypatch.setattr("convert.quantization.quantize._convert", lambda *_: float32)
    with pytest.raises(ConversionError, match=r"int8 holds \d+ tensors that are no integers"):
        quantize(bundle_dir, recipe, nothing)


@pytest.mark.parametrize("coarser", [{"weight_bits": 4}, {"weight_clusters": 16}])
def test_coarser_weights_are_refused_for_a_network_that_is_not_known_here(bundle_dir, coarser):
    recipe = Recipe(precision="int8", calibration_pictures=1, **coarser)
    with pytest.raises(ConversionError, match="neither --int4 nor --weight-clusters"):
        quantize(bundle_dir, recipe, nothing)


@pytest.mark.parametrize(
    ("method", "spec"),
    [
        (Int8Method(), CandidateSpec()),
        (TRAINED, CandidateSpec(ranges="widest", rounding="second-order")),
        (HURRIED, CandidateSpec(ranges="widest")),
        (TRAINED_ROUNDED, CandidateSpec(ranges="widest", corrected=False)),
    ],
)
def test_int8_is_made_as_its_recipe_says(method, spec, monkeypatch):
    asked = []

    def make(_maker, choice):
        asked.append(choice)
        raise ConversionError("enough is known")

    monkeypatch.setattr("convert.quantization.quantize.can_run", lambda _model: True)
    monkeypatch.setattr("convert.quantization.quantize.flatbuffer.read", lambda data: data)
    monkeypatch.setattr(CandidateMaker, "__init__", lambda *_args, **_options: None)
    monkeypatch.setattr(CandidateMaker, "make", make)
    recipe = Recipe(precision="int8", calibration_pictures=1, bias_pictures=1, int8=method)
    picture = {"image": np.zeros((1, 10, 20, 3), np.float32)}
    assert best_int8(b"", recipe, lambda: iter([picture]), (-1.0, 1.0)) is None
    assert asked == [spec]


def test_picture_from_nearer_is_its_middle_enlarged():
    inputs = np.zeros((1, 10, 20, 3), np.float32)
    inputs[:, 2:8, 4:16] = 1.0  # 0.6 of both sides
    assert (_from_nearer(inputs) == 1.0).all()
    inputs[0, 2, 4] = -1.0  # its corner comes to the corner
    assert _from_nearer(inputs)[0, 0, 0].tolist() == [-1.0] * 3
