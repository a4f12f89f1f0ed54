from __future__ import annotations

import json

import pytest

from convert.errors import DatasetError
from convert.slimming.pictures import (
    annotated_folder,
    labelled_folder,
    refuse_few,
    unlabelled_folder,
)
from tests.convert.training.shapes import draw_dataset

LABELS = ("square", "disc")  # not the order of the drawn dataset


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The folder of 40 drawn images, what is on them, and COCO's JSON of it."""
    folder = tmp_path_factory.mktemp("drawn")
    dataset = draw_dataset(folder / "images", train=24, others=8)
    images = [*dataset.train, *dataset.validation, *dataset.test]
    coco = {
        "images": [
            {"id": at, "file_name": item.path.name, "width": item.width, "height": item.height}
            for at, item in enumerate(images)
        ],
        "categories": [{"id": at, "name": name} for at, name in enumerate(dataset.classes)],
        "annotations": [
            {
                "id": at + 1,
                "image_id": at,
                "category_id": int(item.class_ids[0]),
                "bbox": [
                    float(item.boxes[0, 0]),
                    float(item.boxes[0, 1]),
                    float(item.boxes[0, 2] - item.boxes[0, 0]),
                    float(item.boxes[0, 3] - item.boxes[0, 1]),
                ],
                "area": 1.0,
                "iscrowd": 0,
            }
            for at, item in enumerate(images)
        ],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(coco))
    return folder / "images", path, {item.path.name: item for item in images}, dataset.classes


def every(dataset):
    return [*dataset.train, *dataset.validation, *dataset.test]


def test_annotated_pictures_are_split_and_have_the_bundles_class_ids(drawn):
    folder, path, images, classes = drawn
    dataset = annotated_folder(folder, path, LABELS, 0, lambda _: None)
    assert sorted(item.path.name for item in every(dataset)) == sorted(images)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (25, 3, 12)
    for item in every(dataset):
        shown = images[item.path.name]
        assert item.boxes.tolist() == shown.boxes.tolist()
        assert LABELS[item.class_ids[0]] == classes[shown.class_ids[0]]


def test_pictures_without_annotations_have_no_boxes(drawn):
    dataset = unlabelled_folder(drawn[0], LABELS, 0, lambda _: None)
    assert len(every(dataset)) == 40
    assert all(len(item.boxes) == 0 and item.width == 128 for item in every(dataset))
    again = unlabelled_folder(drawn[0], LABELS, 0, lambda _: None)
    assert [item.path for item in again.test] == [item.path for item in dataset.test]


def test_classes_of_a_dataset_get_the_places_that_the_bundle_has(drawn, monkeypatch, tmp_path):
    dataset = draw_dataset(tmp_path / "again", train=4, others=1)
    monkeypatch.setattr("convert.slimming.pictures.read_dataset", lambda *_: dataset)
    found = labelled_folder(tmp_path, LABELS, 0, lambda _: None)
    assert found.classes == LABELS
    assert [item.class_ids[0] for item in found.train] == [
        1 - item.class_ids[0] for item in dataset.train
    ]


def test_class_that_the_bundle_lacks_is_named(monkeypatch, tmp_path):
    dataset = draw_dataset(tmp_path / "again", train=4, others=1)
    monkeypatch.setattr("convert.slimming.pictures.read_dataset", lambda *_: dataset)
    with pytest.raises(DatasetError, match="labels disc, which the bundle does not have"):
        labelled_folder(tmp_path, ("square",), 0, lambda _: None)


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        unlabelled_folder(tmp_path / "none", LABELS, 0, pytest.fail)


def test_too_few_pictures_are_counted(tmp_path):
    with pytest.raises(DatasetError, match="4 pictures to train on and 1 to judge by: at least 16"):
        refuse_few(draw_dataset(tmp_path / "few", train=4, others=1))
