from __future__ import annotations

import pytest

from convert.errors import DatasetError
from convert.training.dataset_files import DatasetFiles
from convert.training.label_sources import read_labels
from convert.training.yolo_labels import yolo_labels

ROW = "0 0.5 0.5 0.5 0.5\n"


def put(folder, *names: str, text: str = "") -> None:
    """Write files, and the folders that they lie in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def splits_of(folder) -> dict[str, str | None]:
    found = yolo_labels(DatasetFiles(folder))
    assert found is not None
    return {str(item.image.relative_to(folder)): item.split for item in found.files}


def test_folder_without_names_of_classes_is_another_format(tmp_path):
    put(tmp_path, "0.jpg", "0.txt", text=ROW)
    assert yolo_labels(DatasetFiles(tmp_path)) is None


def test_classes_of_yolo_that_have_no_name_are_told(tmp_path):
    for number in range(2):
        put(tmp_path, f"{number}.jpg", f"{number}.txt", text=f"{number} 0.5 0.5 0.1 0.1\n")
    put(tmp_path, "classes.txt", text="cat\n")
    found = read_labels(DatasetFiles(tmp_path), lambda _: None)
    assert found.unusable == ["1.txt (class 1, but 1 have names)"]
    assert [item.boxes[0].label for item in found.files if item.boxes] == ["cat"]


def test_edges_are_shares_of_the_sides(tmp_path):
    put(tmp_path, "0.jpg", "0.txt", text="0 0.5 0.25 0.5 0.25\n")
    put(tmp_path, "classes.txt", text="cat\n")
    (item,) = yolo_labels(DatasetFiles(tmp_path)).files
    assert item.relative
    assert item.boxes[0].edges == (0.25, 0.125, 0.75, 0.375)


def test_labels_lie_beside_an_image_or_in_the_folder_of_labels(tmp_path):
    put(tmp_path, "train/images/0.jpg", "val/images/0.jpg", "train/images/1.jpg")
    put(tmp_path, "train/labels/0.txt", text=ROW)
    put(tmp_path, "val/labels/0.txt", text=ROW * 2)
    put(tmp_path, "train/images/1.txt", text=ROW * 3)
    put(tmp_path, "classes.txt", text="cat\n")
    found = yolo_labels(DatasetFiles(tmp_path))
    boxes = {str(item.image.relative_to(tmp_path)): len(item.boxes) for item in found.files}
    assert boxes == {"train/images/0.jpg": 1, "val/images/0.jpg": 2, "train/images/1.jpg": 3}


def test_splits_are_those_of_the_folders_that_the_config_names(tmp_path):
    put(tmp_path, "a/images/0.jpg", "b/images/1.jpg")
    put(tmp_path, "a/labels/0.txt", "b/labels/1.txt", text=ROW)
    # The folder of another machine: only its end is there.
    put(tmp_path, "data.yaml", text="names: [cat]\ntrain: ../elsewhere/a/images\nval: b/images\n")
    assert splits_of(tmp_path) == {"a/images/0.jpg": "train", "b/images/1.jpg": "validation"}


def test_folders_that_end_alike_keep_their_images_apart(tmp_path):
    names = {"train": "train", "valid": "validation", "test": "test"}
    for folder in names:
        put(tmp_path, f"{folder}/images/of_{folder}.jpg")
        put(tmp_path, f"{folder}/labels/of_{folder}.txt", text=ROW)
    keys = "test: ../test/images\ntrain: ../train/images\nval: ../valid/images\n"
    put(tmp_path, "data.yaml", text=f"names: [cat]\n{keys}")
    assert splits_of(tmp_path) == {
        f"{folder}/images/of_{folder}.jpg": split for folder, split in names.items()
    }


def test_splits_are_those_of_the_lists_that_the_config_names(tmp_path):
    put(tmp_path, "images/0.jpg", "images/1.jpg", "images/2.jpg")
    put(tmp_path, "labels/0.txt", "labels/1.txt", "labels/2.txt", text=ROW)
    put(tmp_path, "train.txt", text="/home/me/set/images/0.jpg\n\nimages/gone.jpg\n")
    put(tmp_path, "val.txt", text="images/1.jpg\n")
    put(tmp_path, "data.yaml", text="names: [cat]\ntrain: train.txt\nval: val.txt\n")
    assert splits_of(tmp_path) == {
        "images/0.jpg": "train",
        "images/1.jpg": "validation",
        "images/2.jpg": None,
    }


def test_config_without_names_ends_in_one_line(tmp_path):
    put(tmp_path, "0.jpg")
    put(tmp_path, "data.yaml", text="names: []\n")
    with pytest.raises(DatasetError, match=r"data\.yaml: "):
        yolo_labels(DatasetFiles(tmp_path))
