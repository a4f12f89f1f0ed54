import pytest

from convert.quantization.recipe import (
    HURRIED,
    TRAINED,
    TRAINED_ROUNDED,
    Int8Method,
    Recipe,
    parse_variants,
)
from device.errors import UsageError


def test_int8_without_calibration_is_refused():
    with pytest.raises(UsageError, match="--calibration"):
        Recipe(precision="int8")


def test_recorded_recipe_of_int8_says_how_it_was_calibrated():
    recorded = Recipe(precision="int8", calibration_pictures=8, seed=3).to_json()
    assert recorded["calibration_pictures"] == 8
    assert recorded["seed"] == 3


def test_coarser_weights_are_recorded_and_judged_less_strictly():
    plain, clusters, int4 = (
        Recipe(precision="int8", calibration_pictures=8, **coarser)
        for coarser in ({}, {"weight_clusters": 16}, {"weight_bits": 4})
    )
    assert "weight_clusters" not in plain.to_json()
    assert clusters.to_json()["weight_clusters"] == 16
    assert int4.to_json()["weights"] == "int4 in CONV_2D, else int8, a scale per channel"
    assert clusters.least_cosine == int4.least_cosine < plain.least_cosine


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (Int8Method(), {}),
        (TRAINED, {"ranges": "widest", "rounding": "second-order"}),
        (HURRIED, {"ranges": "widest"}),
        (TRAINED_ROUNDED, {"ranges": "widest", "trained": "rounded"}),
    ],
)
def test_recorded_recipe_tells_what_differs_from_the_usual_int8(method, said):
    usual = Recipe(precision="int8", calibration_pictures=8).to_json()
    assert Recipe(precision="int8", calibration_pictures=8, int8=method).to_json() == usual | said


def test_float32_is_always_among_the_variants_and_first():
    assert parse_variants("int8, float16") == ("float32", "float16", "int8")


def test_unknown_variant_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"int4.*float32, float16, dynamic, int8"):
        parse_variants("int8,int4")
