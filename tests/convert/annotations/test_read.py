from __future__ import annotations

import json

import pytest

from convert.annotations.read import read_annotations, recognise
from convert.errors import EvaluationError
from tests.helpers.annotation_files import (
    EXPECTED,
    LABELS,
    TRUTH,
    truth_of,
    write_coco,
    write_images,
    write_voc,
    write_yolo,
)


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("coco", lambda path: write_coco(path / "truth.json")),
        ("voc", lambda path: write_voc(path / "xml")),
        ("yolo", lambda path: write_yolo(path / "txt")),
    ],
)
def test_one_set_is_the_same_truth_in_every_format(tmp_path, images, kind, write):
    path = write(tmp_path)
    assert recognise(path) == kind
    annotated = read_annotations([(images, path)], LABELS, pytest.fail)
    assert truth_of(annotated) == EXPECTED
    assert annotated.category_ids == {"person": 1, "cat": 3, "dog": 4}


def test_format_is_recognised_by_content_and_not_by_name(tmp_path, images):
    path = write_coco(tmp_path / "truth.xml")
    assert recognise(path) == "coco"
    (tmp_path / "labels.json").write_text("a.png\t3\n")
    assert recognise(tmp_path / "labels.json") == "classes"


def test_sets_of_different_formats_are_pooled_by_name(tmp_path, images, said):
    more = write_images(tmp_path / "more", ["a"])
    sets = [
        (images, write_voc(tmp_path / "xml")),
        (more, write_coco(tmp_path / "truth.json", {"a": TRUTH["a"]})),
    ]
    pooled = read_annotations(sets, LABELS, pytest.fail)
    folders = [image.path.parent.name for image in pooled.images.values()]
    assert folders == ["images", "images", "images", "more"]
    rows = pooled.truth.dataset["annotations"]
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["image_id"] for row in rows] == [1, 1, 2, 4, 4]


@pytest.mark.parametrize("write", [write_voc, lambda path, truth: write_coco(path, truth)])
def test_difficult_objects_and_crowds_are_to_be_ignored(tmp_path, images, write):
    truth = {"a": [("person", 1, 2, 3, 4, True), ("person", 5, 6, 7, 8, False)]}
    annotated = read_annotations([(images, write(tmp_path / "set", truth))], LABELS, pytest.fail)
    rows = annotated.truth.dataset["annotations"]
    assert [row["iscrowd"] for row in rows] == [1, 0]


def test_a_placeholder_is_no_label(tmp_path, images):
    truth = {"a": [("???", 1, 1, 5, 5, False)]}
    with pytest.raises(EvaluationError, match="not one label in common"):
        read_annotations([(images, write_voc(tmp_path / "x", truth))], LABELS, lambda _: None)


def test_annotations_without_a_box_are_refused(tmp_path, images):
    with pytest.raises(EvaluationError, match="not one box"):
        read_annotations([(images, write_voc(tmp_path / "x", {"a": []}))], LABELS, pytest.fail)


def test_boxes_without_category_or_inside_out_are_named(tmp_path, images, said):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["annotations"] += [
        {"image_id": 0, "category_id": 55, "bbox": [0, 0, 1, 1]},
        {"image_id": 0, "category_id": 7, "bbox": [9, 9, -1, 1]},
    ]
    path.write_text(json.dumps(content))
    assert truth_of(read_annotations([(images, path)], LABELS, said.append)) == EXPECTED
    assert "55" in said[0]
    assert "-1.0" in said[1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty; expected COCO's JSON"),
        (b"\x89PNG\r\n", "not annotations; expected"),
        (b"<annotation/>", "give the folder"),
        (b"a.png\t3\n", "has classes"),
        (None, "No such file"),
    ],
)
def test_files_in_no_known_format_are_refused(tmp_path, images, data, reason):
    if data is not None:
        (tmp_path / "bad").write_bytes(data)
    with pytest.raises(EvaluationError, match=reason):
        read_annotations([(images, tmp_path / "bad")], LABELS, pytest.fail)


def test_folders_in_no_known_format_are_refused(tmp_path, images):
    with pytest.raises(EvaluationError, match="no annotations in this folder"):
        read_annotations([(images, images)], LABELS, pytest.fail)
    write_yolo(write_voc(tmp_path / "both"))
    with pytest.raises(EvaluationError, match="both"):
        read_annotations([(images, tmp_path / "both")], LABELS, pytest.fail)
    with pytest.raises(EvaluationError, match="no such folder"):
        read_annotations([(tmp_path / "none", tmp_path / "both")], LABELS, pytest.fail)
