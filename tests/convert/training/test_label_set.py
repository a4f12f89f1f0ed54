from __future__ import annotations

from pathlib import Path

import pytest

from convert.training.dataset_files import DatasetFiles
from convert.training.label_set import LabelSet, find_image, folder_parts, listed_names, split_of


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


def test_folders_of_a_file_are_those_below_the_dataset(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    files = DatasetFiles(tmp_path)
    assert folder_parts(files, tmp_path / "a" / "b" / "0.jpg") == ("a", "b")
    assert folder_parts(files, tmp_path / "0.jpg") == ()


def test_image_that_is_not_there_or_fits_twice_is_noted(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.jpg").touch()
    files, found = DatasetFiles(tmp_path), LabelSet("of a test")
    table = tmp_path / "labels.csv"
    assert find_image(files, found, "a/0.jpg", table) == tmp_path / "a" / "0.jpg"
    assert find_image(files, found, "gone.jpg", table) is None
    assert find_image(files, found, "0.jpg", table) is None
    assert found.missing == ["gone.jpg"]
    (why,) = found.unusable
    assert why.startswith("labels.csv: 0.jpg ")


def test_long_list_of_files_is_cut():
    paths = [Path(f"{number}.csv") for number in range(5)]
    assert listed_names(paths[:2]) == "0.csv, 1.csv"
    assert listed_names(paths) == "0.csv, 1.csv, 2.csv and 2 more"
