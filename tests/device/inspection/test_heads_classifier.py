from __future__ import annotations

import numpy as np
import pytest

from device.bundle.heads import ClassifierHead
from device.bundle.hints import Hints
from device.errors import ModelError
from device.inspection.output_heads import understand
from tests.helpers.model_outputs import CORNERS, LOGITS, PROBABILITIES, output, understood


def test_row_of_scores_is_a_classifier_whatever_the_file_is_called():
    found = understood([output(0, PROBABILITIES)])
    assert (found.task, found.classes, found.score) == ("classification", 4, "probability")
    (head,) = found.heads
    assert isinstance(head, ClassifierHead)


def test_vector_of_length_1_is_an_embedding():
    vector = np.random.default_rng(0).normal(size=(1, 512))
    outputs = [output(0, vector / np.linalg.norm(vector), operator="L2_NORMALIZATION")]
    with pytest.raises(ModelError, match=r"512 numbers whose squares .* are an embedding"):
        understood(outputs)
    assert understood(outputs, task="classification").classes == 512


@pytest.mark.parametrize("scale", [1, 224])
def test_many_coordinates_are_no_classes(scale):
    corners = np.linspace(0.1, 0.9, 140)[np.newaxis] * scale
    with pytest.raises(ModelError, match="may be coordinates"):
        understood([output(0, corners, operator="FULLY_CONNECTED")])
    assert understood([output(0, corners / scale, operator="LOGISTIC")]).multi_label


@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 1, 1, 4), (1, 4, 1, 1)])
def test_axes_of_one_do_not_matter_to_a_classifier(shape):
    assert understood([output(0, PROBABILITIES.reshape(shape))]).classes == 4


@pytest.mark.parametrize(
    ("values", "operator", "score"),
    [
        (PROBABILITIES, "FULLY_CONNECTED", "probability"),
        (PROBABILITIES, "SOFTMAX", "probability"),
        (PROBABILITIES * 1.01 - 0.005, "SOFTMAX", "probability"),  # rounding below 0
        (np.linspace(-9, 9, 200)[np.newaxis], "FULLY_CONNECTED", "logit"),
    ],
)
def test_logits_are_told_from_probabilities(values, operator, score):
    found = understood([output(0, values, operator=operator)])
    assert found.score == score
    assert found.score_why


@pytest.mark.parametrize("values", [CORNERS, CORNERS * 224, LOGITS])
@pytest.mark.parametrize("operator", ["FULLY_CONNECTED", "LOGISTIC"])
def test_numbers_that_are_no_probabilities_are_a_regression_unless_somebody_says(values, operator):
    outputs = [output(0, values, operator=operator)]
    with pytest.raises(ModelError, match="do not add up to 1 are no probabilities") as caught:
        understood(outputs)
    assert "--task classification" in str(caught.value)
    assert "--outputs" not in str(caught.value)
    assert understood(outputs, task="classification").classes == values.size
    assert understand(outputs, Hints(), None, names=values.size).classes == values.size


@pytest.mark.parametrize(
    ("value", "operator", "hints", "score"),
    [
        (0.3, "LOGISTIC", {}, "binary"),
        (0.3, "FULLY_CONNECTED", {"task": "classification"}, "binary"),
        (-3.0, "FULLY_CONNECTED", {"task": "classification"}, "binary-logit"),
    ],
)
def test_one_number_of_a_logistic_function_tells_two_classes_apart(value, operator, hints, score):
    found = understood([output(0, [[value]], operator=operator)], **hints)
    assert (found.task, found.classes, found.score) == ("classification", 2, score)


def test_scores_among_other_outputs_are_asked_for_and_taken_when_named():
    outputs = [output(0, np.ones((1, 2, 2, 8))), output(1, PROBABILITIES)]
    with pytest.raises(ModelError, match="that has one output"):
        understood(outputs)
    for flags in ({"outputs": ("none", "scores")}, {"task": "classification"}):
        found = understood(outputs, **flags)
        assert found.heads[0].scores.position == 1


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            (1, 16, 16, 21),
            "a segmentation model, as DeepLab: 21 scores for each of 16",
        ),
        ((1, 100, 85), "not a YOLO: .* has no axis as long"),
        ((1, 0), "is not a score per class"),
        ((1, 1), "one number, from 0 to 0, that no logistic function makes"),
    ],
)
def test_maps_and_single_numbers_are_no_classifier(shape, said):
    with pytest.raises(ModelError, match=said):
        understood([output(0, np.zeros(shape))])


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="not numbers"):
        understood([output(0, PROBABILITIES * np.nan)])


@pytest.mark.parametrize("names", [1, 2])
def test_one_number_is_a_classifier_where_one_or_two_classes_are_named(names):
    found = understand([output(0, [[-3.0]])], Hints(), None, names=names)
    assert (found.task, found.classes, found.score) == ("classification", 2, "binary-logit")


def test_logistic_scores_are_each_a_class_of_its_own():
    outputs = [output(0, [[0.9, 0.8, 0.1]], operator="LOGISTIC")]
    assert understood(outputs, task="classification").multi_label
    outputs = [output(0, [[0.9, 0.05, 0.05]], operator="SOFTMAX")]
    assert not understood(outputs).multi_label
