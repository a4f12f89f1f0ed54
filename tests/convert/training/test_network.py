from __future__ import annotations

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.tfjs_weights import class_columns
from convert.training.network import known_class, starting_classes, trained_start

PUBLISHED = ("???", "person", "cat", "???", "cell phone")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat", 2),
        ("Cat", 2),
        ("cats", 2),
        ("cell_phone", 4),
        ("Cell-Phone", 4),
        ("dog", None),
        ("???", None),
    ],
)
def test_class_is_known_by_its_name(name, expected):
    assert known_class(name, PUBLISHED) == expected


def test_unknown_class_starts_from_what_answers_best_and_never_from_a_placeholder():
    scores = np.array([[9, -2, -3, 9, -1], [9, -9, -9, 9, -9]], np.float32)
    assert starting_classes(("mouse", "person"), PUBLISHED, scores) == [4, 1]


def test_columns_of_a_class_are_taken_from_every_anchor():
    # Two anchors of three classes: a1 a2 a3 b1 b2 b3.
    bias = np.array([11, 12, 13, 21, 22, 23])
    assert class_columns(bias, [2, 0], count=3).tolist() == [13, 11, 23, 21]
    kernel = np.stack([bias, 10 * bias])
    assert class_columns(kernel, [1], count=3).tolist() == [[12, 22], [120, 220]]


@pytest.mark.parametrize("data", [None, b"", b"PK\x03\x04"])
def test_weights_that_are_none_are_said_in_one_line(data, tmp_path):
    path = tmp_path / "weights.npz"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(WeightsError, match="--from wants a bundle"):
        trained_start(path)
