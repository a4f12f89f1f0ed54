from __future__ import annotations

import pytest

from convert.training.dataset_files import DatasetFiles
from convert.training.label_sources import read_labels, split_of


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("images", "train"), "train"),
        (("train", "images"), "train"),
        (("instances_val2017",), "validation"),
        (("test_labels",), "test"),
        (("constraints", "latest"), None),  # words, not parts of words
        (("test", "train"), "train"),  # the nearest folder counts
        ((), None),
    ],
)
def test_split_is_a_word_of_a_name(names, expected):
    assert split_of(*names) == expected


def test_lists_of_voc_name_the_splits(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").touch()
        (tmp_path / f"{number}.xml").write_text("<annotation></annotation>")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1 1\n")
    (lists / "val.txt").write_text("2\n")
    found = read_labels(DatasetFiles(tmp_path), lambda _: None)
    splits = {item.image.stem: item.split for item in found.files}
    assert splits == {"0": "train", "1": "train", "2": "validation"}


def test_classes_of_yolo_that_have_no_name_are_told(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.jpg").touch()
        (tmp_path / f"{number}.txt").write_text(f"{number} 0.5 0.5 0.1 0.1\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    found = read_labels(DatasetFiles(tmp_path), lambda _: None)
    assert found.unusable == ["1.txt (class 1, but 1 have names)"]
    assert [item.boxes[0].label for item in found.files if item.boxes] == ["cat"]


def test_format_is_told(tmp_path):
    (tmp_path / "0.jpg").touch()
    (tmp_path / "0.xml").write_text("<annotation></annotation>")
    said: list[str] = []
    read_labels(DatasetFiles(tmp_path), said.append)
    assert said == ["labels      Pascal VOC XML (1 files)"]
