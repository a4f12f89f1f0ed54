from __future__ import annotations

import pytest

from convert.errors import DatasetError
from convert.training import dataset_files as module
from convert.training.dataset_files import AmbiguousNameError, DatasetFiles


@pytest.fixture
def tree(tmp_path):
    for name in (
        "images/train/1.JPG", "images/val/1.jpg", "images/train/2.png", "labels/train/1.txt",
        ".hidden/3.jpg", ".4.jpg", "phone.HEIC",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return DatasetFiles(tmp_path)


def test_hidden_files_are_passed_over_and_unreadable_kinds_kept_apart(tree):
    assert [path.name for path in tree.images] == ["1.JPG", "2.png", "1.jpg"]
    assert [path.name for path in tree.unreadable] == ["phone.HEIC"]
    assert [path.name for path in tree.others(".txt")] == ["1.txt"]


def test_name_of_another_machine_is_found_by_as_much_of_its_path_as_fits(tree):
    source = tree.root / "data.csv"
    found = tree.find("C:\\me\\images\\val\\1.jpg", source)
    assert found == tree.root / "images/val/1.jpg"
    assert tree.find("2.jpg", source).name == "2.png"
    assert tree.find("9.jpg", source) is None


def test_name_that_fits_two_images_is_not_guessed(tree):
    with pytest.raises(AmbiguousNameError, match="fits images"):
        tree.find("1.bmp", tree.root / "data.csv")


def test_label_file_goes_with_the_image_in_the_like_folder(tree):
    beside = tree.root / "labels/train/1.txt"
    assert tree.find_beside(beside) == tree.root / "images/train/1.JPG"


def test_folder_without_end_is_refused(tree, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    with pytest.raises(DatasetError, match="more than 3 files"):
        DatasetFiles(tree.root)
