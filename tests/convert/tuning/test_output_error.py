from __future__ import annotations

import math

import numpy as np
import pytest

from convert.quantization.candidate_spec import CandidateSpec
from convert.tuning.output_error import OutputError, class_divergence
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import ClassifierRule
from tests.helpers.tiny_bundle import pixels


@pytest.mark.parametrize(
    ("score", "expected", "said", "nats"),
    [
        # 0.5 log(0.5 / 0.25) + 0.5 log(0.5 / 0.75)
        ("probability", [0.5, 0.5], [0.25, 0.75], 0.5 * math.log(4 / 3)),
        ("logit", [0.0, 0.0], [0.0, math.log(3)], 0.5 * math.log(4 / 3)),
        ("binary", [0.5], [0.25], 0.5 * math.log(4 / 3)),
        ("binary", [0.5], [0.75], 0.5 * math.log(4 / 3)),  # too sure is as wrong as too unsure
        ("binary-logit", [0.0], [math.log(3)], 0.5 * math.log(4 / 3)),
        ("probability", [0.5, 0.75], [0.25, 0.75], 0.5 * math.log(4 / 3)),  # each for itself
        ("probability", [0.5, 0.75], [0.5, 0.75], 0.0),
    ],
)
def test_divergence_of_one_picture_is_that_computed_by_hand(score, expected, said, nats):
    found = class_divergence(ClassifierRule(score=score), np.array([expected]), np.array([said]))
    assert found == pytest.approx(nats, abs=1e-9)


def test_divergence_is_per_picture():
    rule = ClassifierRule(score="binary")
    pictures = np.array([[0.5], [0.5]]), np.array([[0.25], [0.5]])
    assert class_divergence(rule, *pictures) == pytest.approx(0.25 * math.log(4 / 3))


@pytest.fixture(scope="module")
def output_error(built):
    bundle = Bundle(built / "bundle")
    float32 = bundle.variant("float32")
    inputs = pixels(built / "pictures")[4:20]
    return OutputError(bundle.file(float32.file), float32.heads, bundle.manifest.decoder, inputs)


def test_float_layers_disturb_less(maker, output_error):
    lifted = CandidateSpec(frozenset(range(len(maker.layers))))
    assert output_error(maker.make(lifted)) < output_error(maker.make(CandidateSpec()))


def test_float32_does_not_disturb_itself(built, output_error):
    assert output_error((built / "bundle" / "float32.tflite").read_bytes()) == 0
