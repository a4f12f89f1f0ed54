from __future__ import annotations

from types import SimpleNamespace

import pytest

from convert.errors import EvaluationError
from convert.tuning.pictures import read_pictures
from tests.helpers.annotation_files import LABELS, write_coco, write_images


def bundle_for(task):
    return SimpleNamespace(labels=LABELS, manifest=SimpleNamespace(task=task))


def test_pictures_without_annotations_are_compared_with_float32(tmp_path):
    images = write_images(tmp_path / "images")
    pictures = read_pictures(bundle_for("detection"), [(images, None)], pytest.fail)
    assert pictures.metric == "agreement"
    assert [item.path.name for item in pictures.listed] == ["a.png", "b.png", "c.png"]
    assert pictures.truth is None


def test_boxes_of_a_detectors_pictures_give_mean_average_precision(tmp_path):
    images = write_images(tmp_path / "images")
    sets = [(images, write_coco(tmp_path / "boxes.json"))]
    pictures = read_pictures(bundle_for("detection"), sets, pytest.fail)
    assert pictures.metric == "mAP"
    assert pictures.truth.category_ids.keys() == {"person", "dog", "cat"}
    assert [len(item.boxes) for item in pictures.listed] == [2, 1, 0]


def test_classes_of_a_classifiers_pictures_give_the_share_of_right_first_choices(tmp_path):
    images = write_images(tmp_path / "images")
    table = tmp_path / "labels.tsv"
    table.write_text("file\tclass_index\twnid\tname\na.png\t3\tn0\tcat\n")
    pictures = read_pictures(bundle_for("classification"), [(images, table)], pytest.fail)
    assert (pictures.metric, pictures.truth) == ("top-1", None)
    assert [(item.path.name, item.class_id) for item in pictures.listed] == [("a.png", 3)]


def test_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match="no such folder"):
        read_pictures(bundle_for("detection"), [(tmp_path / "none", None)], pytest.fail)
