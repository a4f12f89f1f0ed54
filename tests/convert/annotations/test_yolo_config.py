from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.yolo_config import parse_yolo_config, read_yolo_config
from convert.errors import EvaluationError


@pytest.mark.parametrize(
    "names",
    [
        "names: [dog, cat]",
        "names: ['dog', \"cat\"]  # two",
        "names:\n  - dog\n  - cat",
        "names:\n- dog\n- 'cat'",
        "names:\n  0: dog\n  1: cat",
        "names:\n  1: cat\n  0: dog",
        "names: {0: dog, 1: cat}",
        "names: [dog,\n  cat]",
    ],
)
def test_names_are_read_however_they_are_written(names):
    assert parse_yolo_config(f"nc: 2\n{names}\n", "data.yaml").names == ("dog", "cat")


def test_places_of_splits_are_one_or_several():
    config = parse_yolo_config(
        "path: ../set  # where\ntrain: images/train\nval: [images/a, images/b]\nnames: [x]\n", "d"
    )
    assert (config.path, config.train) == ("../set", ("images/train",))
    assert (config.val, config.test) == (("images/a", "images/b"), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: images", "no class names"),
        ("names: [dog", "no ']' at the end"),
        ("names:\n  0: dog\n  2: cat", "count from 0 without a gap"),
        ("names:\n  dog\n  cat", "where a number and a name were expected"),
    ],
)
def test_what_cannot_be_read_is_said(text, said):
    with pytest.raises(EvaluationError) as error:
        parse_yolo_config(text, "data.yaml")
    assert said in str(error.value)


def test_file_is_read_as_utf_8(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("names: [Straßenbahn, 猫]\n", "utf-8")
    assert read_yolo_config(path).names == ("Straßenbahn", "猫")


@given(st.text(max_size=200), st.text("names: []{}0123-,'\"\n #", max_size=200))
def test_no_text_raises_anything_else(anything, alike):
    for text in (anything, "names:" + alike):
        try:
            parse_yolo_config(text, "data.yaml")
        except EvaluationError:
            continue
