from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation import variant_precision as module
from convert.evaluation.predict import Unreadable
from convert.evaluation.variant_precision import variant_precision


@pytest.fixture
def judge():
    """Tells the scores of what was found, image by image, instead of precision."""
    return SimpleNamespace(
        images=[SimpleNamespace(path="a"), SimpleNamespace(path="b")],
        precision=lambda found: [item.scores.tolist() for item in found],
    )


def test_each_variant_is_judged_by_what_it_found_on_each_image(judge, monkeypatch, tmp_path):
    row = [[3.0, 0.5, 1.0, 2.0, 3.0, 4.0]]
    looks = [
        {"float32": np.array(row), "int8": np.zeros((0, 6))},
        {"float32": np.zeros((0, 6)), "int8": np.array(row + row)},
    ]
    monkeypatch.setattr(module, "predict", lambda panel, paths: looks)
    found = variant_precision(tmp_path, judge, ("float32", "int8"))
    assert found == {"float32": [[0.5], []], "int8": [[], [0.5, 0.5]]}


def test_image_that_vanished_is_said(judge, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "predict", lambda panel, paths: [Unreadable("b: gone")])
    with pytest.raises(EvaluationError, match="b: gone"):
        variant_precision(tmp_path, judge, ("int8",))
