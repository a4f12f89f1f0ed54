import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.suggestions import did_you_mean, nearest

FLAGS = ("--config", "--cooldown", "--threshold", "--size", "--segment", "--on")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("--conf", "--config"),  # the beginning of one
        ("--treshold", "--threshold"),  # a letter left out
        ("--sizes", "--size"),
        ("-config", "--config"),  # a dash left out
        ("--Cool_down", "--cooldown"),  # spelt otherwise
        ("--co", ""),  # the beginning of two, and near neither
        ("--iou", ""),  # two letters of --on, and something else
        ("--nothing-like-it", ""),
        ("--", ""),
        ("", ""),
    ],
)
def test_nearest_name_of_a_typed_word(word, expected):
    assert nearest(word, FLAGS) == expected


def test_no_names_no_suggestion():
    assert nearest("person", []) == ""
    assert did_you_mean("person", []) == ""


def test_suggestion_is_a_question_to_be_added():
    assert did_you_mean("litrt", ["auto", "litert"]) == "; did you mean litert?"
    assert did_you_mean("xyz", ["auto", "litert"]) == ""


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6), st.text(max_size=12))
def test_suggestion_is_one_of_the_names_or_nothing(names, word):
    assert nearest(word, names) in {"", *names}
