from __future__ import annotations

import numpy as np
import pytest

from device.inspection.other_kinds import looks_like
from tests.device.inspection.test_output_heads import output


def said(*shapes, size_wh=(192, 192)):
    outputs = [
        output(place, np.random.default_rng(0).random(shape), operator="CONV_2D")
        for place, shape in enumerate(shapes)
    ]
    return looks_like(outputs, size_wh)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(1, 257, 257, 21)], "segmentation model, as DeepLab: 21 scores for each of 257x257"),
        ([(1, 192, 192, 3)], "makes pictures"),
        ([(1, 96, 128, 1)], "a map of 128x96 places"),
        ([(1, 1, 17, 3)], "poses"),  # MoveNet
        ([(1, 6, 56)], "poses"),  # MoveNet for several people
        ([(1, 14, 14, 17), (1, 14, 14, 34), (1, 14, 14, 64)], "poses"),  # PoseNet
        ([(1, 24, 24, 255), (1, 12, 12, 255), (1, 6, 6, 255)], "raw heads of a YOLO"),
    ],
)
def test_shapes_say_what_a_model_is(shapes, words):
    assert words in said(*shapes)


@pytest.mark.parametrize("shapes", [[(1, 8)], [(1, 20, 4), (1, 20)], [(1, 1)], []])
def test_shapes_that_say_nothing(shapes):
    assert said(*shapes) is None
