from __future__ import annotations

import pytest

from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.inspection.image_input import DEFAULT_SIDE, image_input
from device.inspection.tflite_metadata import ModelMetadata
from tests.helpers.model_inputs import ANY, facts, fitted, tensor


@pytest.mark.parametrize("shape", [(1, 6, 8, 1), (1, 1, 6, 8)])
def test_input_of_one_channel_takes_grey_pictures(shape):
    rule = fitted(tensor(shape, dtype="uint8", scale=1 / 255)).rule
    assert rule.colour == "grey"
    assert rule.shape == shape


def test_grey_input_takes_one_mean_alone():
    with pytest.raises(UsageError, match="grey pictures, one number each"):
        fitted(tensor((1, 6, 8, 1)), mean=(1.0, 2.0, 3.0), std=(1.0,))


@pytest.mark.parametrize(
    ("shape", "layout"), [((1, 6, 8, 3), "nhwc"), ((1, 3, 6, 8), "nchw"), ((1, 3, 8, 3), "nhwc")]
)
def test_layout_is_told_by_where_the_channels_are(shape, layout):
    rule = fitted(tensor(shape)).rule
    assert rule.layout == layout
    assert rule.shape == shape


@pytest.mark.parametrize(
    ("image", "metadata", "size", "expected", "guessed"),
    [
        (ANY, ModelMetadata(), None, (DEFAULT_SIDE, DEFAULT_SIDE), True),
        (ANY, ModelMetadata(size_wh=(256, 192)), None, (256, 192), False),
        (ANY, ModelMetadata(size_wh=(256, 192)), (64, 48), (64, 48), False),
        (tensor((1, 6, 8, 3), free=(1, 2)), ModelMetadata(), None, (8, 6), False),
        (tensor((1, 3, 1, 1), free=(2, 3)), ModelMetadata(), (64, 48), (64, 48), False),
        (tensor((9, 6, 8, 3), free=(0,)), ModelMetadata(), None, (8, 6), False),  # any batch
        (tensor((1, 6, 8, 3)), ModelMetadata(size_wh=(99, 99)), None, (8, 6), False),
        (tensor((1, 6, 8, 3)), ModelMetadata(), (8, 6), (8, 6), False),
    ],
)
def test_size_comes_from_flag_metadata_file_or_convention(image, metadata, size, expected, guessed):
    found = fitted(image, metadata=metadata, input_size=size, mean=(0.0,), std=(1.0,))
    assert (found.rule.width, found.rule.height) == expected
    assert any("--input-size" in guess for guess in found.guesses) is guessed


def test_size_of_a_model_that_takes_one_cannot_be_chosen():
    with pytest.raises(UsageError, match="takes 8x6 and nothing else"):
        fitted(tensor(), input_size=(9, 9))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (tensor((1, 6, 8, 2)), r"\(1, 6, 8, 2\), expected one picture of 3 channels, or of 1"),
        (tensor((8, 6, 8, 3)), r"\(8, 6, 8, 3\), expected one picture"),
        (tensor((1, 100)), "expected one picture"),
        (tensor(()), "expected one picture"),
        (tensor((1, 1, 1, 3), free=(3,)), r"\(1, 1, 1, any\), expected one picture"),
        (tensor((1, 0, 0, 3)), "no picture at all"),
        (tensor(dtype="string"), "its input is string"),
        (tensor(dtype="int64"), "its input is int64"),
    ],
)
def test_input_that_is_no_colour_picture_is_refused(image, said):
    with pytest.raises(ModelError, match=said):
        fitted(image)


def test_several_inputs_are_listed():
    with pytest.raises(ModelError, match=r"takes 2 inputs.*'picture' uint8 .*'picture' float32"):
        image_input(facts(tensor(dtype="uint8"), tensor()), ModelMetadata(), Hints())
