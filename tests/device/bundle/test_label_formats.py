from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.label_formats import decode_text, names_by_id

LABEL_MAP = """
item {
  name: "/m/01g317"
  id: 1
  display_name: "person"
}
item {
  id: 3
  name: 'sports "ball"'
}
"""


def names(text):
    found = names_by_id(text)
    return None if found is None else found.names


def test_label_map_counts_from_one_and_shows_what_is_displayed():
    assert names(LABEL_MAP) == ["???", "person", "???", 'sports "ball"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "b"]', ["a", "b"]),
        ('{"0": "a", "2": "b"}', ["a", "???", "b"]),
        ('{"a": 1, "b": 0}', ["b", "a"]),
        ('{"labels": ["a", "b"], "other": 3}', ["a", "b"]),
        ('[{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]', ["a", "b"]),
        ('{"other": 3.5}', None),
        ("[1.5]", None),
        ("[]", None),
    ],
)
def test_json_is_a_list_or_a_map(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nc: 2\nnames: ['a', \"b's\", c d]  # three\n", ["a", "b's", "c d"]),
        ("names: [\n  a,\n  b,\n]\n", ["a", "b"]),
        ("names: {0: a, 1: b}\n", ["a", "b"]),
        ("names:\n  - a\n  - 'b c'  # a comment\nval: x\n", ["a", "b c"]),
        ("names:\n- a\n- b\ntrain: y\n", ["a", "b"]),
        ("names:\n  # first\n  0: a\n\n  1: traffic light # red\nval: x\n", ["a", "traffic light"]),
        ("train: names.txt\nnames:\n  0: a\n", ["a"]),
        ("names: [[a], b]\n", None),
        ("names:\nval: x\n", None),
    ],
)
def test_names_of_a_data_yaml_in_all_its_forms(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'stride': 32, 'names': {0: 'a', 1: \"it's\", 2: 'it\\'s'}}", ["a", "it's", "it's"]),
        ("{'names': ['a', 'b: c'], 'task': 'detect'}", ["a", "b: c"]),
    ],
)
def test_names_as_python_prints_them(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize("text", ["cat\ndog\n", "0 cat\n1 dog\n", "", "surnames\n", "{", "item {"])
def test_plain_rows_are_none_of_these(text):
    assert names(text) is None


def test_numbers_far_beyond_the_names_are_no_class_ids():
    assert names('{"0": "a", "100000000": "b"}') is None


def test_what_is_written_is_never_evaluated():
    assert names("names: [__import__('os').system('x'), b]") != ["0", "b"]


WORDS = st.text(st.characters(categories=["L", "N", "Zs", "P"]), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=20))
def test_any_names_come_back_from_json_and_from_what_python_prints(words):
    assert names(json.dumps(words)) == words
    assert names(json.dumps({"names": dict(enumerate(words))})) == words
    printed = names(repr({"task": "detect", "names": dict(enumerate(words))}))
    assert printed == words or any("\\" in repr(word) for word in words)


@given(st.text(max_size=300))
def test_any_text_is_names_or_none(text):
    found = names_by_id(text)
    assert found is None or all(isinstance(name, str) for name in found.names)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_a_unicode_error(data):
    with contextlib.suppress(UnicodeError):
        assert isinstance(decode_text(data).text, str)


@pytest.mark.parametrize("text", ["Fußgänger\nStraßenbahn", "façade\nchâteau", "niño", "Žižek"])
def test_western_european_text_of_windows_is_read_and_said(text):
    assert decode_text(text.encode("cp1252")) == (text, "Windows-1252")


@pytest.mark.parametrize(
    "data",
    [
        "пешеход".encode("cp1251"),
        "行人".encode("gbk"),
        "人".encode("gbk"),
        "歩行者".encode("shift_jis"),
        "człowiek".encode("cp1250"),
        "ağaç".encode("cp1254"),
        b"caf\x81",
        "cat".encode("utf-16") + b"x",
    ],
)
def test_text_of_another_alphabet_is_refused_rather_than_guessed(data):
    with pytest.raises(UnicodeError):
        decode_text(data)
