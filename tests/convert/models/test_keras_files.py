from __future__ import annotations

import pytest

from convert.errors import ConversionError
from convert.models.user_classifier import user_classifier
from tests.helpers.keras_models import options


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
