from __future__ import annotations

import pytest

from convert.annotations.read import read_annotations
from convert.errors import EvaluationError
from tests.helpers.annotation_files import (
    EXPECTED,
    LABELS,
    TRUTH,
    truth_of,
    voc_text,
    write_coco,
    write_images,
    write_voc,
    write_yolo,
)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_coco(path / "truth.json"),
        lambda path: write_voc(path / "xml"),
        lambda path: write_yolo(path / "txt"),
    ],
)
def test_missing_pictures_are_counted_named_and_left_out(tmp_path, said, write):
    images = write_images(tmp_path / "images", ["a"])
    annotated = read_annotations([(images, write(tmp_path))], LABELS, said.append)
    assert [image.file for image in annotated.images.values()] == ["a.png"]
    assert len(annotated.truth.dataset["annotations"]) == 2
    (line,) = said
    assert ": 2: b." in line


def test_no_picture_at_all_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    sets = [(tmp_path / "empty", write_coco(tmp_path / "truth.json"))]
    with pytest.raises(EvaluationError, match="check --images"):
        read_annotations(sets, LABELS, lambda _: None)


def test_annotations_may_lie_beside_the_pictures(images):
    write_voc(images)
    assert truth_of(read_annotations([(images, images)], LABELS, pytest.fail)) == EXPECTED


def test_a_corrupt_file_is_named_and_its_picture_left_out(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml")
    (folder / "b.xml").write_text("<annotation><object>")
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    (line,) = said
    assert "b.xml (not XML" in line


def test_two_files_for_one_picture_are_named_not_counted_twice(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml", {"a": TRUTH["a"]})
    (folder / "z.xml").write_text(voc_text("a", TRUTH["a"]))
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert len(annotated.images) == 1
    assert "z.xml (a second one for a.png)" in said[0]


def test_two_pictures_for_one_file_are_not_guessed_between(tmp_path, images, said):
    (images / "b.jpg").write_bytes((images / "b.png").read_bytes())
    folder = write_yolo(tmp_path / "txt", {"a": TRUTH["a"], "b": TRUTH["b"]})
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert list(truth_of(annotated)) == ["a.png"]
    assert "b.txt (fits b.jpg and b.png)" in said[0]
