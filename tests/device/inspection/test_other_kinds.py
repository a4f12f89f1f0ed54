from __future__ import annotations

import numpy as np
import pytest

from device.inspection.other_kinds import looks_like, missing_operator
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
        ([(1, 768, 768, 3)], "makes pictures"),  # four times as large
        ([(1, 192, 192)], "a class for each of 192x192 places"),  # a mask
        ([(1, 24, 24, 3)], "FOMO of Edge Impulse"),
        ([(1, 1, 1, 1404), (1, 1, 1, 1)], "landmarks: points on a face"),
        ([(1, 63), (1, 1), (1, 1), (1, 63)], "landmarks: points on a hand"),
        ([(1, 48, 48, 80), (1, 48, 48, 2)], "2 maps that nobody decoded, as CenterNet"),
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


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Encountered unresolved custom op: edgetpu-custom-op.", "delegate does not take it"),
        ("Select TensorFlow op(s), included in the given model", "operators of TensorFlow itself"),
        ("Encountered unresolved custom op: FlexErf.", "operators of TensorFlow itself"),
    ],
)
def test_missing_operator_says_what_the_model_is(reason, said):
    assert said in missing_operator(reason)
    assert missing_operator("Encountered unresolved custom op: Mine.") is None


def test_constants_are_an_ssd_that_nobody_joined():
    shapes = [(1, 10, 4), (1, 10), (1, 10), (1,)]
    outputs = [output(place, np.zeros(shape)) for place, shape in enumerate(shapes)]
    assert "converter.allow_custom_ops = True" in looks_like(outputs, (320, 320))
