"""Datasets in every form that people bring, read from folders written here."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.errors import DatasetError
from convert.training.dataset import read_dataset

WIDTH, HEIGHT = 64, 48


def write_image(path: Path, seed: int, size=(HEIGHT, WIDTH)) -> Path:
    """Blocks of colour that no other seed has: nothing near a duplicate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_NEAREST))
    return path


def voc(name: str, boxes, size=(WIDTH, HEIGHT)) -> str:
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
        f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for label, a, b, c, d in boxes
    )
    return (
        f"<annotation><filename>{name}</filename><size><width>{size[0]}</width>"
        f"<height>{size[1]}</height><depth>3</depth></size>{objects}</annotation>"
    )


def write_voc(folder: Path, count: int, label="cat", first=0, box=(10, 12, 40, 44), **options):
    for number in range(first, first + count):
        write_image(folder / f"{number}.jpg", number)
        xml = voc(f"{number}.jpg", [(label, *box)], **options)
        (folder / f"{number}.xml").write_text(xml)


def write_yolo(folder: Path, count: int):
    (folder / "classes.txt").write_text("cat\n")
    for number in range(count):
        write_image(folder / f"{number}.jpg", number)
        (folder / f"{number}.txt").write_text("0 0.4 0.5 0.4 0.5\n")


@pytest.fixture
def read():
    """The dataset and what was said of it."""

    def read(folder: Path, seed: int = 0):
        said: list[str] = []
        return read_dataset(folder, seed, said.append), "\n".join(said)

    return read


def test_voc_beside_the_images_is_split_by_seed(tmp_path, read):
    write_voc(tmp_path, 40)
    dataset, said = read(tmp_path)
    assert dataset.classes == ("cat",)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (29, 5, 6)
    np.testing.assert_array_equal(dataset.train[0].boxes, [[10, 12, 40, 44]])
    assert "drawn by seed 0" in said
    again, _ = read(tmp_path)
    other, _ = read(tmp_path, seed=1)
    names = [[image.path for image in found.test] for found in (dataset, again, other)]
    assert names[0] == names[1] != names[2]


def test_splits_of_folders_are_taken_as_they_are(tmp_path, read):
    write_voc(tmp_path / "train", 12)
    write_voc(tmp_path / "valid", 3, first=20)
    write_voc(tmp_path / "test", 4, first=30)
    dataset, said = read(tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (12, 3, 4)
    assert "as given" in said


def test_csv_tables_name_splits_and_images_of_other_spelling(tmp_path, read):
    head = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    rows = {"train": range(12), "test": range(12, 16)}
    for number in range(16):
        write_image(tmp_path / "images" / f"{number}.JPG", number)
    for split, numbers in rows.items():
        table = tmp_path / "data" / f"{split}_labels.csv"
        table.parent.mkdir(exist_ok=True)
        table.write_text(head + "".join(f"{n}.jpg,64,48,cat,1,2,30,40\n" for n in numbers))
    dataset, _ = read(tmp_path)
    assert len(dataset.test) == 4
    assert len(dataset.train) + len(dataset.validation) == 12


def test_yolo_with_data_yaml_reads_shares_of_the_sides(tmp_path, read):
    for number in range(14):
        split = "val" if number > 11 else "train"
        write_image(tmp_path / "images" / split / f"{number}.png", number)
        labels = tmp_path / "labels" / split / f"{number}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("1 0.5 0.5 0.5 0.25\n0 0.25 0.5 0.25 0.5\n")
    (tmp_path / "data.yaml").write_text(
        "train: ../images/train\nval: images/val\nnames: [dog, cat]\n"
    )
    dataset, _ = read(tmp_path)
    assert dataset.classes == ("dog", "cat")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (12, 2, 0)
    np.testing.assert_allclose(dataset.train[0].boxes, [[16, 18, 48, 30], [8, 12, 24, 36]])
    assert dataset.train[0].class_ids.tolist() == [1, 0]


def test_coco_names_categories_whatever_their_ids(tmp_path, read):
    images = [
        {
            "id": n,
            "file_name": write_image(tmp_path / f"{n}.jpg", n).name,
            "width": 64,
            "height": 48,
        }
        for n in range(20)
    ]
    annotations = [
        {"id": n, "image_id": n, "category_id": 7, "bbox": [5, 6, 10, 20], "iscrowd": n % 2}
        for n in range(18)
    ]
    table = {
        "images": images,
        "categories": [{"id": 3, "name": "all"}, {"id": 7, "name": "cat"}],
        "annotations": annotations,
    }
    (tmp_path / "_annotations.coco.json").write_text(json.dumps(table))
    dataset, said = read(tmp_path)
    assert dataset.classes == ("cat",)
    every = [*dataset.train, *dataset.validation, *dataset.test]
    assert len(every) == 20
    assert sum(len(image.boxes) == 0 for image in every) == 2
    assert "2 images without any" in said
    assert sum(int(image.ignored.sum()) for image in every) == 9


def test_folder_per_class_is_for_a_classifier(tmp_path, read):
    for number in range(20):
        write_image(tmp_path / ("cat", "dog")[number % 2] / f"{number}.jpg", number)
    dataset, _ = read(tmp_path)
    assert dataset.task == "classification"
    assert dataset.classes == ("cat", "dog")


def test_each_class_of_a_classifier_has_its_share_of_every_split(tmp_path, read):
    for name, count, first in (("common", 60, 0), ("rare", 10, 100)):
        for number in range(first, first + count):
            write_image(tmp_path / name / f"{number}.jpg", number)
    dataset, said = read(tmp_path)
    counts = [
        np.bincount([int(image.class_ids[0]) for image in split], minlength=2).tolist()
        for split in (dataset.train, dataset.validation, dataset.test)
    ]
    assert counts == [[43, 7], [8, 1], [9, 2]]
    assert "70 boxes" not in said
    assert "classes with under 10 images to train on: 1: rare (7)" in said


def test_image_in_two_classes_and_nearly_equal_names_are_told(tmp_path, read):
    for number in range(12):
        write_image(tmp_path / "cat" / f"{number}.jpg", number)
        write_image(tmp_path / "dog" / f"{number}.jpg", 50 + number)
    write_image(tmp_path / "dog" / "again.jpg", 3)
    _, said = read(tmp_path)
    assert "images that look the same in two classes: 1: 3.jpg (cat) and again.jpg (dog)" in said
    write_image(tmp_path / "Cat " / "other.jpg", 99)
    with pytest.raises(DatasetError, match=r"'Cat ' \(1 images\) and 'cat' \(12 images\)"):
        read(tmp_path)


def test_class_that_is_only_tested_ends_it(tmp_path, read):
    for number in range(4):
        write_image(tmp_path / "train" / "cat" / f"{number}.jpg", number)
        write_image(tmp_path / "train" / "hen" / f"{number}.jpg", 20 + number)
    write_image(tmp_path / "test" / "dog" / "1.jpg", 50)
    with pytest.raises(DatasetError, match="class 'dog' has 1 images in test and none in train"):
        read(tmp_path)


def test_images_without_boxes_are_negatives(tmp_path, read):
    write_voc(tmp_path, 20)
    write_image(tmp_path / "empty.jpg", 99)
    dataset, _ = read(tmp_path)
    every = [*dataset.train, *dataset.validation, *dataset.test]
    assert [image.path.name for image in every if not len(image.boxes)] == ["empty.jpg"]


def test_frames_of_one_scene_stay_on_one_side(tmp_path, read):
    write_voc(tmp_path, 30)
    scene = np.random.default_rng(1000).integers(0, 256, (6, 8, 3), np.uint8)
    for number in range(12):
        frame = cv2.resize(scene, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        frame[4 : 4 + number] //= 2
        cv2.imwrite(str(tmp_path / f"scene_{number:03}.jpg"), frame)
        (tmp_path / f"scene_{number:03}.xml").write_text(voc("", [("cat", 1, 1, 30, 30)]))
    dataset, _ = read(tmp_path)
    sides = [
        any(image.path.name.startswith("scene") for image in split)
        for split in (dataset.train, dataset.validation, dataset.test)
    ]
    assert sum(sides) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"box": (40, 12, 10, 44)}, "boxes with swapped corners; put right: 20: 0.xml (cat)"),
        ({"box": (10, 12, 90, 44)}, "boxes that reach beyond their image; cut: 20"),
        ({"size": (128, 96), "box": (20, 24, 80, 88)}, "labels made at another resolution; scaled"),
        ({"size": (50, 99)}, "the size in the labels is not the image's; boxes taken as they are"),
    ],
)
def test_what_can_be_mended_is_mended_and_counted(tmp_path, read, options, said):
    write_voc(tmp_path, 20, **options)
    dataset, told = read(tmp_path)
    assert said in told
    x_min, y_min, x_max, y_max = dataset.train[0].boxes[0]
    assert 0 <= x_min < x_max <= WIDTH
    assert 0 <= y_min < y_max <= HEIGHT


@pytest.mark.parametrize("box", [(10, 10, 10, 40), (100, 100, 120, 120)])
def test_boxes_without_an_area_are_left_out(tmp_path, read, box):
    write_voc(tmp_path, 20)
    write_voc(tmp_path, 2, first=50, box=box)
    dataset, told = read(tmp_path)
    assert "left out: 2: 50.xml (cat), 51.xml (cat)" in told
    assert (
        sum(len(image.boxes) for image in (*dataset.train, *dataset.validation, *dataset.test))
        == 20
    )


def test_unreadable_and_missing_images_are_counted(tmp_path, read):
    write_voc(tmp_path, 20)
    (tmp_path / "0.jpg").unlink()
    (tmp_path / "1.jpg").write_bytes(b"no image")
    _, told = read(tmp_path)
    assert "labels without their image; left out: 1: 0.xml" in told
    assert "images that cannot be read; left out: 1" in told


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda root: None, "0 images and no labels"),
        (lambda root: write_image(root / "0.jpg", 0), "1 images and no labels"),
        (lambda root: write_voc(root, 20, box=(5, 5, 5, 5)), "no box in the"),
        (
            lambda root: (write_voc(root, 10), write_voc(root, 10, "Cat", first=20)),
            "'Cat' (10 boxes) and 'cat' (10 boxes) are nearly the same class name",
        ),
        (
            lambda root: (
                write_voc(root / "train", 12),
                write_voc(root / "test", 3, "dog", first=20),
            ),
            "class 'dog' has 3 boxes in test and none in train",
        ),
    ],
)
def test_senseless_dataset_ends_with_the_way_out(tmp_path, read, prepare, said):
    prepare(tmp_path)
    with pytest.raises(DatasetError) as error:
        read(tmp_path)
    assert said in str(error.value)


def test_labels_of_another_format_are_not_taken_for_no_labels(tmp_path, read):
    write_voc(tmp_path, 6, first=20)
    write_yolo(tmp_path, 20)
    expected = r"read from YOLO text .*6 images have theirs in another format \(20\.xml, 21\.xml,"
    with pytest.raises(DatasetError, match=expected):
        read(tmp_path)


def test_image_without_labels_that_is_called_as_one_of_another_split_is_empty(tmp_path, read):
    write_voc(tmp_path / "train", 12)
    write_voc(tmp_path / "test", 3, first=20)
    write_image(tmp_path / "train" / "20.jpg", 99)
    _, told = read(tmp_path)
    assert "1 images without any" in told


@pytest.mark.parametrize(("write", "name"), [(write_voc, "3.xml"), (write_yolo, "3.txt")])
def test_image_whose_labels_cannot_be_read_is_left_out_and_not_empty(tmp_path, read, write, name):
    write(tmp_path, 20)
    (tmp_path / name).write_text("<broken")
    dataset, told = read(tmp_path)
    assert f"labels that cannot be used; left out: 1: {name}" in told
    assert "images without any" not in told
    assert len((*dataset.train, *dataset.validation, *dataset.test)) == 19


def test_lines_of_yolo_beside_other_labels_are_not_passed_over(tmp_path, read):
    write_voc(tmp_path, 20)
    write_image(tmp_path / "50.jpg", 50)
    (tmp_path / "50.txt").write_text("a caption\n")
    _, told = read(tmp_path)
    assert "1 images without any" in told
    (tmp_path / "50.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(DatasetError, match=r"read from Pascal VOC XML .*\(50\.txt\)"):
        read(tmp_path)


def test_what_was_left_out_is_told_also_where_it_cannot_go_on(tmp_path):
    write_voc(tmp_path / "train", 2)
    write_voc(tmp_path / "train", 1, label="dog", first=5)
    write_voc(tmp_path / "test", 1, label="dog", first=9)
    (tmp_path / "train" / "5.jpg").write_bytes(b"no image")  # the only dog to learn from
    said: list[str] = []
    with pytest.raises(DatasetError, match="class 'dog' has 1 boxes in test and none in train"):
        read_dataset(tmp_path, 0, said.append)
    assert [line for line in said if "cannot be read; left out" in line and "5.jpg" in line]


def test_missing_folder_is_named(tmp_path, read):
    with pytest.raises(DatasetError, match="no such folder"):
        read(tmp_path / "nothing")


def test_few_boxes_and_same_images_in_two_splits_are_told(tmp_path, read):
    write_voc(tmp_path / "train", 12)
    write_voc(tmp_path / "test", 3)
    write_voc(tmp_path / "train", 2, "dog", first=40)
    _, told = read(tmp_path)
    assert "classes with under 10 boxes to train on: 1: dog (2)" in told
    assert "images that look the same in two splits: 3" in told


def test_authors_splits_of_shared_sets_are_taken(shared_data, read):
    raccoon, _ = read(shared_data / "own" / "raccoon")
    assert (len(raccoon.train) + len(raccoon.validation), len(raccoon.test)) == (160, 40)
    cards, _ = read(shared_data / "own" / "cards")
    assert (len(cards.train) + len(cards.validation), len(cards.test)) == (296, 67)
    assert cards.classes == ("ace", "jack", "king", "nine", "queen", "ten")
