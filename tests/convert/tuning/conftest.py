"""A tiny bundle to tune, and what makes candidates of it."""

from __future__ import annotations

import pytest

from convert.quantization.candidates import CandidateMaker
from tests.helpers.tiny_bundle import RULE, pixels, write_bundle, write_images


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    write_images(folder / "pictures")
    write_bundle(folder / "bundle", folder / "pictures")
    return folder


@pytest.fixture(scope="session")
def maker(built):
    inputs = pixels(built / "pictures")[:4]
    float32 = (built / "bundle" / "float32.tflite").read_bytes()
    return CandidateMaker(float32, inputs, RULE.value_range)
