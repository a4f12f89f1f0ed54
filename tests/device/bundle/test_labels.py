import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.labels import is_placeholder, parse_labels
from device.errors import UsageError

PLAIN = ("cat", "dog", "traffic light")


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\ntraffic light\n",
        "cat\r\ndog\r\ntraffic light",
        "\ufeffcat\ndog\ntraffic light\n\n\n",
        "cat\n\ndog\n\ntraffic light\n",
        "0 cat\n1 dog\n2 traffic light\n",
        "0: cat\n2: traffic light\n1: dog\n",
        "0,cat\n1,dog\n2,traffic light",
        "0\tcat\n1\tdog\n\n2\ttraffic light",
        "???\ncat\ndog\ntraffic light",
        "background\ncat\ndog\ntraffic light",
    ],
)
def test_three_classes_are_read_however_they_are_written(text):
    assert parse_labels(text, 3) == PLAIN


def test_model_with_a_background_of_its_own_gets_it_first():
    assert parse_labels("cat\ndog\n", 3) == ("background", "cat", "dog")


def test_background_row_stays_where_the_model_has_one():
    assert parse_labels("???\ncat\ndog\n", 3) == ("???", "cat", "dog")


def test_blank_row_is_a_class_without_a_name_where_that_makes_the_count_right():
    assert parse_labels("cat\n\ndog\n", 3) == ("cat", "???", "dog")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("???\ncat\n\ndog\n", ("cat", "dog")),
        ("0 cat\n2 dog\n", ("cat", "???", "dog")),
        ("", ()),
    ],
)
def test_where_nobody_knows_the_count_all_but_a_background_row_are_meant(text, labels):
    assert parse_labels(text, None) == labels


@pytest.mark.parametrize(
    ("label", "expected"), [("???", True), ("Background", True), ("back", False), ("cat", False)]
)
def test_placeholder_is_no_name(label, expected):
    assert is_placeholder(label) is expected


def test_gaps_between_numbers_are_classes_without_a_name():
    assert parse_labels("1 cat\n3 dog\n", 5) == ("???", "cat", "???", "dog", "???")


def test_names_that_begin_with_a_number_are_names():
    assert parse_labels("2 door car\ncat\n", 2) == ("2 door car", "cat")


@pytest.mark.parametrize("text", ["", "cat\n", "a\nb\nc\nd\ne\n"])
def test_wrong_count_says_both_counts(text):
    with pytest.raises(UsageError, match=rf"mine.txt has {len(text.split())} names, the model 3"):
        parse_labels(text, 3, "mine.txt")


names = st.text(st.characters(categories=["L"]), min_size=1, max_size=8).filter(
    lambda name: name.lower() not in ("none", "background", "unlabeled")
)


@given(st.lists(names, min_size=1, max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_as_many_names_as_classes_come_back_as_they_are(labels, end):
    assert parse_labels(end.join(labels) + end, len(labels)) == tuple(labels)


@given(st.text(max_size=200), st.integers(1, 20))
def test_any_text_gives_labels_or_a_usage_error(text, count):
    try:
        labels = parse_labels(text, count)
    except UsageError:
        return
    assert len(labels) == count
    assert all(labels)
