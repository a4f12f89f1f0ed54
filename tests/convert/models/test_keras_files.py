from __future__ import annotations

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.models.keras_files import open_model
from convert.models.user_classifier import user_classifier
from tests.helpers.keras_models import options

PIXELS = np.random.default_rng(5).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("broken.keras", "cannot be read by Keras"), ("gone.h5", "no such model")],
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
