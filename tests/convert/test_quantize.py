from __future__ import annotations

import pytest

from convert.errors import ConversionError
from convert.quantize import quantize
from convert.recipe import Recipe


def nothing():
    yield from ()


def test_integers_only_means_no_other_tensor(bundle_dir, monkeypatch):
    recipe = Recipe(precision="int8", calibration_pictures=1, integer_outputs=True)
    float32, int8 = ((bundle_dir / f"{name}.tflite").read_bytes() for name in ("float32", "int8"))
    monkeypatch.setattr("convert.quantize._convert", lambda *_: int8)
    assert quantize(bundle_dir, recipe, nothing)
    monkeypatch.setattr("convert.quantize._convert", lambda *_: float32)
    with pytest.raises(ConversionError, match=r"int8 holds \d+ tensors that are no integers"):
        quantize(bundle_dir, recipe, nothing)
