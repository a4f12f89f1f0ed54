from __future__ import annotations

import pytest

from device.bundle.heads import DetectionsHead, TensorSpec
from device.bundle.manifest import InputRule
from device.inspection.describe import heads_in_words, pixels_in_words


def spec(position, shape, dtype="float32"):
    return TensorSpec(position=position, shape=shape, dtype=dtype)


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        (127.5, 127.5, "(byte - 127.5) / 127.5"),
        (0.0, 255.0, "(byte - 0) / 255"),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "(byte - 123.675, 116.28, 103.53) / "),
    ],
)
def test_pixels_are_a_formula(mean, std, words):
    rule = InputRule(width=1, height=1, mean=mean, std=std)
    assert pixels_in_words(rule).startswith(words)


def test_every_tensor_has_its_role_position_type_and_shape():
    head = DetectionsHead(
        boxes=spec(0, (1, 10, 4)), classes=spec(3, (1, 10)), scores=spec(1, (1, 10), "uint8")
    )
    assert heads_in_words([head]) == [
        "boxes    0 float32 (1, 10, 4)",
        "classes  3 float32 (1, 10)",
        "scores   1 uint8 (1, 10)",
    ]
