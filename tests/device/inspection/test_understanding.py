from __future__ import annotations

import numpy as np
import pytest

from device.inspection.understanding import score_kind
from tests.helpers.model_outputs import output


@pytest.mark.parametrize("operator", ["SOFTMAX", "LOGISTIC"])
def test_what_a_softmax_or_a_logistic_function_makes_is_a_probability(operator):
    found = score_kind([output(0, [[-0.02, 1.02]], operator=operator)])  # rounded beyond 0..1
    assert found == ("probability", f"they come from {operator}")


def test_operators_of_several_outputs_are_all_named():
    outputs = [output(0, [[0.5]], operator="SOFTMAX"), output(1, [[0.5]], operator="LOGISTIC")]
    assert score_kind(outputs).why == "they come from LOGISTIC and SOFTMAX"


def test_what_lies_within_0_and_1_is_a_probability_whoever_made_it():
    found = score_kind([output(0, [[0.0, 1.0]], operator="FULLY_CONNECTED")])
    assert found == ("probability", "all that were seen lie within 0..1")


@pytest.mark.parametrize("beyond", [-0.001, 1.001])
def test_one_value_outside_of_0_and_1_makes_them_logits(beyond):
    outputs = [
        output(0, np.full((1, 3), 0.5), operator="FULLY_CONNECTED"),
        output(1, [[0.5, beyond]], operator="LOGISTIC"),
    ]
    assert score_kind(outputs).score == "logit"


def test_logits_are_told_with_their_range():
    found = score_kind([output(0, [[-3.25, 7.5]], operator="CONV_2D")])
    assert found == ("logit", "they reach from -3.25 to 7.5")
