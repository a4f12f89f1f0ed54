import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.labels import is_placeholder, parse_labels, read_label_file
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


def test_missing_row_is_never_taken_for_a_background_that_the_file_leaves_out():
    with pytest.raises(UsageError, match="has 2 names, the model 3 classes: where the model has"):
        parse_labels("cat\ndog\n", 3)


@pytest.mark.parametrize(
    ("background", "labels"),
    [(0, ("background", "cat", "dog")), (2, ("cat", "dog", "background"))],
)
def test_background_that_the_model_is_known_to_have_is_put_in_its_place(background, labels):
    assert parse_labels("cat\ndog\n", 3, background=background) == labels


def test_background_elsewhere_than_at_an_end_does_not_move_names():
    with pytest.raises(UsageError, match="2 names"):
        parse_labels("cat\ndog\n", 3, background=1)


def test_networks_of_googles_have_a_background_before_imagenets_thousand_names():
    names = ["tench, Tinca tinca", *(f"name {number}" for number in range(999))]
    assert parse_labels("\n".join(names), 1001) == ("background", *names)
    with pytest.raises(UsageError, match="1000 names"):
        parse_labels("\n".join(["dog", *names[1:]]), 1001)


@pytest.mark.parametrize("last", ["background", "???", "Background"])
def test_background_as_the_last_row_is_left_out_where_the_model_has_none(last):
    assert parse_labels(f"cat\ndog\ntraffic light\n{last}\n", 3) == PLAIN


def test_background_as_the_last_row_stays_where_the_model_has_one():
    assert parse_labels("cat\ndog\nbackground\n", 3) == ("cat", "dog", "background")


@pytest.mark.parametrize(
    "text",
    [
        '["cat", "dog", "traffic light"]',
        '{"names": {"0": "cat", "1": "dog", "2": "traffic light"}, "task": "detect"}',
        "path: x\nnames: [cat, dog, 'traffic light']\n",
        "names:\n  0: cat\n  1: dog\n  2: traffic light\n",
        "item { name: 'cat' id: 1 }\nitem { name: 'dog' id: 2 }\n"
        "item { name: 'traffic light' id: 3 }",
    ],
)
def test_three_classes_are_read_from_formats_of_other_tools(text):
    assert parse_labels(text, 3) == PLAIN


def test_list_that_is_too_short_is_refused_but_numbers_may_end_early():
    with pytest.raises(UsageError, match="2 names, the model 4"):
        parse_labels('["cat", "dog"]', 4)
    assert parse_labels('{"0": "cat", "1": "dog"}', 4) == ("cat", "dog", "???", "???")


def test_refusal_says_what_would_fit():
    with pytest.raises(UsageError, match="3 rows would fit, or 4 of which the first or last"):
        parse_labels("a\nb\nc\nd\ne\n", 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_file_of_any_encoding_is_read(tmp_path, encoding):
    (tmp_path / "labels.txt").write_bytes("cat\nStraßenbahn\n".encode(encoding))
    text = read_label_file(str(tmp_path / "labels.txt"), pytest.fail)
    assert parse_labels(text, 2) == ("cat", "Straßenbahn")


def test_pipe_and_device_as_labels_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path / "none"):
        with pytest.raises(UsageError, match=f"--labels {path}: "):
            read_label_file(str(path), pytest.fail)


def test_guessed_encoding_is_said(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes("Fußgänger\n".encode("cp1252"))
    said: list[str] = []
    assert read_label_file(str(path), said.append) == "Fußgänger\n"
    assert said == [f"--labels {path}: not in UTF-8, read as Windows-1252"]


def test_unknown_encoding_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "labels.txt").write_bytes("行人\n".encode("gbk"))
    with pytest.raises(UsageError, match=r"labels\.txt: its text is not in .*; save it as UTF-8"):
        read_label_file(str(tmp_path / "labels.txt"), pytest.fail)


@pytest.mark.parametrize("text", ["1 cat\n2 dog\n", "1: cat\n2: dog\n", "2,dog\n1,cat\n"])
def test_numbers_from_one_on_are_no_part_of_the_names(text):
    assert parse_labels(text, 2) == ("cat", "dog")
    assert parse_labels(text, 3) == ("???", "cat", "dog")


@pytest.mark.parametrize("count", [None, 2])
def test_number_that_tells_two_classes_apart_belongs_to_the_name(count):
    assert parse_labels("0 of hearts\n1 of hearts\n", count) == ("0 of hearts", "1 of hearts")


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
