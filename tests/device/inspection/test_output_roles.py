from __future__ import annotations

import pytest

from device.bundle.hints import Hints
from device.errors import UsageError
from device.inspection.output_roles import told_roles
from device.inspection.tflite_facts import POST_PROCESS
from tests.device.inspection.test_output_heads import output

FOUR = [(1, 3, 4), (1, 3), (1, 3), (1,)]


def outputs(**names):
    """Three outputs of as many values, with these names."""
    return [
        output(place, [[0.0] * 3], **{key: values[place] for key, values in names.items()})
        for place in range(3)
    ]


def test_user_is_believed_before_all_others():
    found = outputs(name=["boxes", "classes", "scores"])
    told = told_roles(found, Hints(outputs=("scores", "none", "boxes")))
    assert told.roles == ("scores", None, "boxes")
    assert (told.who, told.by_user) == ("--outputs", True)


def test_operator_is_believed_before_names():
    found = [
        output(place, [[0.0]], name="boxes", operator=POST_PROCESS, slot=slot)
        for place, slot in enumerate((2, 0, 3, 1))
    ]
    told = told_roles(found, Hints())
    assert told.roles == ("scores", "boxes", "count", "classes")
    assert told.who == f"the operator {POST_PROCESS}"


@pytest.mark.parametrize(
    ("names", "who"),
    [
        ({"described": ["location", "category", "score"]}, "the names in its metadata"),
        ({"signature": ["bboxes", "labels", "probabilities"]}, "the names in its signature"),
        ({"name": ["Box:0", "Class:0", "Confidence:0"]}, "the names of the tensors"),
    ],
)
def test_names_are_understood_in_the_words_that_people_use(names, who):
    told = told_roles(outputs(**names), Hints())
    assert (told.roles, told.who, told.by_user) == (("boxes", "classes", "scores"), who, False)


def test_names_of_which_one_says_nothing_are_not_believed():
    assert told_roles(outputs(name=["boxes", "Identity_1", "scores"]), Hints()) is None


@pytest.mark.parametrize("words", [("boxes",), ("boxes", "classes", "colours")])
def test_flag_with_other_words_or_too_few_is_wrong_usage(words):
    with pytest.raises(UsageError, match="expected a word for each of the model's 3 outputs"):
        told_roles(outputs(), Hints(outputs=words))
