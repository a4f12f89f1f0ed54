from __future__ import annotations

import json

import pytest
from hypothesis import given

from convert.annotations.read import read_annotations
from convert.errors import EvaluationError
from tests.helpers.annotation_files import (
    COCO_BYTES,
    EXPECTED,
    LABELS,
    TRUTH,
    mutated,
    put,
    read_mutated,
    truth_of,
    write_coco,
)


def test_coco_files_that_number_categories_differently_are_pooled(tmp_path, images):
    one = write_coco(tmp_path / "one.json", {"a": TRUTH["a"]})
    two = write_coco(tmp_path / "two.json", {"b": TRUTH["b"]}, {"cat": 7})
    pooled = read_annotations([(images, one), (images, two)], LABELS, pytest.fail)
    assert truth_of(pooled) == {name: EXPECTED[name] for name in ("a.png", "b.png")}


def test_unknown_categories_are_counted_and_named_once(tmp_path, images, said):
    kite = ("kite", 1, 1, 5, 5, False)
    truth = {"a": [*TRUTH["a"], kite, kite], "b": [kite]}
    sets = [(images, write_coco(tmp_path / "truth.json", truth))]
    annotated = read_annotations(sets, LABELS, said.append)
    assert len(annotated.truth.dataset["annotations"]) == 2
    assert said == ["left out: 3 boxes of what the bundle has no label for: kite"]


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "d/" * 5000, "a\0.png"])
def test_names_that_no_file_can_have_are_missing_pictures(tmp_path, images, said, name):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["images"].append({"id": 55, "file_name": name})
    path.write_text(json.dumps(content))
    assert truth_of(read_annotations([(images, path)], LABELS, said.append)) == EXPECTED
    assert "pictures that are not in" in said[0]


def test_two_pictures_of_one_id_are_refused(tmp_path, images):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["images"][1]["id"] = 0
    path.write_text(json.dumps(content))
    with pytest.raises(EvaluationError, match="2 pictures have the id 0"):
        read_annotations([(images, path)], LABELS, pytest.fail)


@pytest.mark.parametrize(
    "data",
    [
        *(b"[1]", b'{"images": []}', b'{"images": 3', b"{" * 100_000),
        b'{"other": ' + b"[" * 100_000,
        COCO_BYTES.replace(b"a.png", b"\xff.png"),
        COCO_BYTES.replace(b"12", b"1e999"),
    ],
)
def test_json_that_is_not_coco_is_refused(tmp_path, images, data):
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(EvaluationError, match="not annotations in COCO's format"):
        read_annotations([(images, tmp_path / "bad.json")], LABELS, pytest.fail)


@given(mutated(COCO_BYTES))
def test_no_coco_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "truth.json", data), data)
