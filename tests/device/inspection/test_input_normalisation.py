from __future__ import annotations

import numpy as np
import pytest

from device.errors import UsageError
from device.inspection.export_notes import ExportNotes
from device.inspection.input_normalisation import IMAGENET_MEAN, IMAGENET_STD
from device.inspection.tflite_metadata import ModelMetadata
from tests.helpers.model_inputs import fitted, stored, tensor


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(1 / 255, 0), (1 / 128, 128), (1 / 127.5, 127), (0.02, 114), (0, 0)]
)
def test_bytes_go_into_a_uint8_input_as_they_are(scale, zero_point):
    image = tensor(dtype="uint8", scale=scale, zero_point=zero_point)
    found = fitted(image)
    assert stored(image, found.rule).tolist() == list(range(256))
    assert not found.guesses


@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 255, -128), (1 / 128, 0), (0, 0)])
def test_int8_input_gets_bytes_less_128(scale, zero_point):
    image = tensor(dtype="int8", scale=scale, zero_point=zero_point)
    assert stored(image, fitted(image).rule).tolist() == list(range(-128, 128))


def test_int16_input_has_bytes_spread_over_its_range():
    image = tensor(dtype="int16", scale=1 / 32768)
    table = stored(image, fitted(image).rule)
    assert (table[0], table[255]) == (-32768, 32767)
    assert set(np.diff(table.astype(int))) == {257}


@pytest.mark.parametrize(
    ("dtype", "zero_point"), [("int8", -14), ("uint8", 114)], ids=["int8", "uint8"]
)
def test_range_of_imagenets_deviations_is_recognised(dtype, zero_point):
    # 0.0187 * (-128 + 14) = -2.13, 0.0187 * (127 + 14) = 2.64
    found = fitted(tensor(dtype=dtype, scale=0.0187, zero_point=zero_point))
    assert (found.rule.mean, found.rule.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert "ImageNet" in found.pixels_why
    low, high = found.rule.value_range
    assert (low, high) == pytest.approx((-2.118, 2.640), abs=1e-3)


def test_metadata_says_what_a_float_input_must_be():
    told = ModelMetadata(mean=(127.0,), std=(128.0,))
    found = fitted(tensor(), metadata=told)
    assert (found.rule.mean, found.rule.std) == (127.0, 128.0)
    assert (found.pixels_why, found.guesses) == ("its metadata", ())


def test_metadata_per_channel_is_kept_per_channel():
    told = ModelMetadata(mean=(1.0, 2.0, 3.0), std=(9.0, 9.0, 9.0))
    rule = fitted(tensor(), metadata=told).rule
    assert (rule.mean, rule.std) == ((1.0, 2.0, 3.0), 9.0)


def test_metadata_that_means_the_byte_itself_leaves_the_byte_itself():
    # (byte - 127.5) / 127.5 * 128 + 128 is the byte, give or take one
    image = tensor(dtype="uint8", scale=1 / 128, zero_point=128)
    found = fitted(image, metadata=ModelMetadata(mean=(127.5,), std=(127.5,)))
    assert stored(image, found.rule).tolist() == list(range(256))


@pytest.mark.parametrize(
    ("scale", "zero_point", "mean", "std"),
    [
        (1 / 255, 0, 127.5, 127.5),  # 0..1, and -1..1 is said: half would be clipped
        (1 / 128, 128, 0.0, 255.0),  # the other way round: half would be left unused
        (1.0, 0, 127.5, 127.5),
    ],
)
def test_quantisation_wins_where_the_metadata_says_another_range(scale, zero_point, mean, std):
    image = tensor(dtype="uint8", scale=scale, zero_point=zero_point)
    found = fitted(image, metadata=ModelMetadata(mean=(mean,), std=(std,)))
    assert stored(image, found.rule).tolist() == list(range(256))
    assert "which is for float pixels" in found.pixels_why


def test_metadata_of_the_same_range_is_followed_for_it_tells_the_channels_apart():
    image = tensor(dtype="int8", scale=0.01866, zero_point=-14)
    told = ModelMetadata(mean=(123.0, 116.0, 103.0), std=(58.4, 57.1, 57.4))
    found = fitted(image, metadata=told)
    assert (found.rule.mean, found.rule.std) == ((123.0, 116.0, 103.0), (58.4, 57.1, 57.4))


def test_metadata_that_would_saturate_a_quantised_input_is_passed_over():
    # mean 0, std 1 beside a quantised input says "give it bytes"
    image = tensor(dtype="uint8", scale=1 / 128, zero_point=128)
    found = fitted(image, metadata=ModelMetadata(mean=(0.0,), std=(1.0,)))
    assert stored(image, found.rule).tolist() == list(range(256))
    assert "another range" in found.pixels_why


@pytest.mark.parametrize(
    "told",
    [
        ModelMetadata(mean=(1.0, 2.0), std=(1.0,)),
        ModelMetadata(mean=(1.0,)),
        ModelMetadata(mean=(1.0,), std=(0.0,)),
        ModelMetadata(mean=(float("nan"),), std=(1.0,)),
    ],
)
def test_metadata_that_cannot_be_meant_is_not_used(told):
    assert fitted(tensor(), metadata=told).guesses


def test_user_is_believed_before_metadata_and_quantisation():
    for image in (tensor(), tensor(dtype="uint8", scale=1 / 128, zero_point=128)):
        told = ModelMetadata(mean=(127.5,), std=(127.5,))
        found = fitted(image, metadata=told, mean=(0.0,), std=(255.0, 254.0, 253.0))
        assert (found.rule.mean, found.rule.std) == (0.0, (255.0, 254.0, 253.0))
        assert found.pixels_why == "--mean and --std"


def test_range_that_the_first_operators_speak_against_is_taken_and_said_aloud():
    found = fitted(tensor(), gain=1 / 127.5, mean=(127.5,), std=(127.5,))
    assert (found.rule.mean, found.rule.std) == (127.5, 127.5)
    (said,) = found.guesses
    assert "not what the model seems to take: it begins by multiplying" in said
    assert fitted(tensor(), gain=1 / 127.5, mean=(0.0,), std=(1.0,)).guesses == ()


def test_float_input_of_which_nothing_is_known_is_guessed_aloud():
    found = fitted(tensor())
    assert found.rule.value_range == (-1.0, 1.0)
    (guess,) = found.guesses
    assert "-1..1" in guess
    assert "--mean 0 --std 255" in guess


@pytest.mark.parametrize("gain", [1 / 127.5, 1 / 255])
def test_float_model_that_normalises_itself_gets_bytes(gain):
    found = fitted(tensor(), gain=gain)
    assert (found.rule.mean, found.rule.std, found.guesses) == (0.0, 1.0, ())


@pytest.mark.parametrize(
    ("affine", "std"),
    [
        (((2.0, -1.0),), 255.0),  # 0..1 becomes -1..1
        (((1.0, -0.5),), 255.0),
        (((1 / 0.229, -0.485 / 0.229), (1 / 0.224, -0.456 / 0.224), (4.4, -1.8)), 255.0),
        (((1 / 127.5, -1.0),), 1.0),  # bytes become -1..1
        (((0.017, -2.1),), 1.0),  # bytes become ImageNet's range
    ],
)
def test_first_operators_show_what_a_float_input_must_be(affine, std):
    found = fitted(tensor(), file={"input_affine": affine})
    assert (found.rule.mean, found.rule.std, found.guesses) == (0.0, std, ())
    assert "its first operators" in found.pixels_why


@pytest.mark.parametrize("affine", [((1.0, 3.0),), ((100.0, -50.0),), ((0.5, 0.0),)])
def test_first_operators_that_show_nothing_leave_a_guess(affine):
    assert fitted(tensor(), file={"input_affine": affine}).guesses


@pytest.mark.parametrize(
    ("ends", "mean", "std"),
    [
        ((0.0, 1.0), 0.0, 255.0),
        ((0.0, 0.98), 0.0, 255.0),
        ((-1.0, 0.992), 127.5, 127.5),
        ((0.0, 255.0), 0.0, 1.0),
        ((-2.118, 2.64), IMAGENET_MEAN, IMAGENET_STD),
    ],
)
def test_float_input_that_is_quantised_at_once_shows_its_range(ends, mean, std):
    found = fitted(tensor(), file={"input_range": ends})
    assert (found.rule.mean, found.rule.std, found.guesses) == (mean, std, ())
    assert "quantised at once" in found.pixels_why


def test_range_that_is_none_of_these_leaves_a_guess():
    assert fitted(tensor(), file={"input_range": (-0.3, 0.9)}).guesses


def test_notes_of_a_yolo_mean_0_to_1_also_where_it_is_stored_as_another_range():
    image = tensor(dtype="int8", scale=0.0187, zero_point=-14)
    found = fitted(image, metadata=ModelMetadata(notes=ExportNotes(task="detect")))
    assert (found.rule.mean, found.rule.std) == (0.0, 255.0)
    # 0 is -14; 1 / 0.0187 = 53.5, rounds to 53 with what float32 leaves, less 14.
    assert stored(image, found.rule)[[0, 255]].tolist() == [-14, 39]


def test_float_model_that_begins_with_a_gentle_gain_is_not_taken_to_normalise():
    assert fitted(tensor(), gain=0.5).rule.value_range == (-1.0, 1.0)


@pytest.mark.parametrize("hints", [{"mean": (1.0,)}, {"std": (1.0,)}])
def test_mean_without_std_is_wrong_usage(hints):
    with pytest.raises(UsageError, match="belong together"):
        fitted(tensor(), **hints)
