from __future__ import annotations

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.quantization.quantize import _from_nearer, quantize
from convert.quantization.recipe import Recipe


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


def test_picture_from_nearer_is_its_middle_enlarged():
    inputs = np.zeros((1, 10, 20, 3), np.float32)
    inputs[:, 2:8, 4:16] = 1.0  # 0.6 of both sides
    assert (_from_nearer(inputs) == 1.0).all()
    inputs[0, 2, 4] = -1.0  # its corner comes to the corner
    assert _from_nearer(inputs)[0, 0, 0].tolist() == [-1.0] * 3
