from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.models.keras_files import OpenedModel, _begins_by_normalising, open_model
from convert.models.user_classifier import user_classifier
from device.errors import UsageError
from tests.helpers.keras_models import options

PIXELS = np.random.default_rng(5).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("broken.keras", "cannot be read by Keras"),
        ("gone.h5", "no such model"),
        (
            "half.keras",
            r"half\.keras computes in float16 \(mixed precision\), of which",
        ),
    ],
)
def test_file_that_is_no_model_is_refused(models, name, complaint):
    with pytest.raises(ConversionError, match=complaint):
        user_classifier(models / name, options(models))


def test_folder_that_is_no_saved_model_is_refused(models, tmp_path):
    with pytest.raises(ConversionError, match="no SavedModel"):
        user_classifier(tmp_path, options(models))


@pytest.mark.parametrize("name", ["plain.h5", "keras2.h5", "saved"])
def test_model_is_the_same_in_whatever_it_was_saved(models, name):
    expected, opened = open_model(models / "plain.keras", None), open_model(models / name, None)
    assert opened.size_hw == expected.size_hw == (96, 96)
    (scores,) = opened.frozen(PIXELS).values()
    (answer,) = expected.frozen(PIXELS).values()
    assert answer.shape == (1, 3)
    np.testing.assert_allclose(scores, answer, atol=1e-6)


def test_range_that_the_user_gives_a_model_that_normalises_itself_is_refused():
    model = OpenedModel(Path("m.keras"), frozen=None, size_hw=(96, 96), normalises=True)
    with pytest.raises(UsageError, match=r"m\.keras takes bytes, .*: leave --mean and --std out"):
        model.normalisation(127.5, 127.5)
    assert model.normalisation(0.0, 1.0) == model.normalisation(None, None) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("kinds", "normalises"),
    [
        (["Functional", "InputLayer", "Rescaling", "Conv2D"], True),
        (["Sequential", "RandomFlip", "Normalization", "SeparableConv2D"], True),
        (["Functional", "InputLayer", "Conv2D", "Rescaling"], False),
        (["Functional", "InputLayer", "DepthwiseConv2D", "Dense"], False),
    ],
)
def test_layer_that_brings_bytes_into_range_comes_before_the_first_with_weights(kinds, normalises):
    assert _begins_by_normalising(kinds) == normalises
