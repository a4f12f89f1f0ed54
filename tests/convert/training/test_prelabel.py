from __future__ import annotations

import shutil

import pytest

from convert.cli import main
from convert.training.dataset import read_dataset


@pytest.fixture
def pictures(tmp_path, bundle_dir):
    for name in ("person.jpg", "cat.jpg"):
        shutil.copy(bundle_dir / "samples" / name, tmp_path / name)
    return tmp_path


def run(pictures, bundle_dir, *flags) -> int:
    return main(["prelabel", str(pictures), "--bundle", str(bundle_dir), *flags])


@pytest.mark.parametrize("kind", ["voc", "yolo", "coco"])
def test_what_is_written_is_a_dataset_to_train_on(pictures, bundle_dir, kind):
    assert run(pictures, bundle_dir, "--format", kind, "--classes", "cat,person") == 0
    dataset = read_dataset(pictures, 0, lambda _: None)
    assert dataset.classes == ("cat", "person")
    images = (*dataset.train, *dataset.validation, *dataset.test)
    every = {image.path.name: image for image in images}
    for name in ("cat", "person"):
        image = every[f"{name}.jpg"]
        assert name in {dataset.classes[number] for number in image.class_ids}


def test_yolo_numbers_are_those_of_the_names_that_are_there(pictures, bundle_dir):
    (pictures / "classes.txt").write_text("dog\ncat\nperson\n")
    assert run(pictures, bundle_dir, "--format", "yolo", "--classes", "person,cat") == 0
    assert (pictures / "classes.txt").read_text() == "dog\ncat\nperson\n"
    numbers = {line.split()[0] for line in (pictures / "cat.txt").read_text().splitlines()}
    assert numbers == {"1"}


def test_class_without_a_yolo_number_is_refused_before_anything_is_written(
    pictures, bundle_dir, capsys
):
    (pictures / "classes.txt").write_text("cat\n")
    assert run(pictures, bundle_dir, "--format", "yolo", "--classes", "person,cat") == 1
    assert "it does not name person; add a line for each at its end" in capsys.readouterr().err
    assert not (pictures / "cat.txt").exists()


def test_labels_that_are_there_are_kept(pictures, bundle_dir, capsys):
    (pictures / "cat.xml").write_text("mine")
    assert run(pictures, bundle_dir) == 0
    assert (pictures / "cat.xml").read_text() == "mine"
    assert "1 pictures have labels already" in capsys.readouterr().err


def test_unreadable_picture_is_named_and_the_others_are_labelled(pictures, bundle_dir, capsys):
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8")
    assert run(pictures, bundle_dir) == 0
    assert "warning: passed over" in capsys.readouterr().err
    assert (pictures / "person.xml").exists()


def test_mistakes_are_one_line_with_the_way_out(pictures, bundle_dir, tmp_path, capsys):
    assert run(pictures / "none", bundle_dir) == 1
    assert run(pictures, bundle_dir, "--classes", "catt") == 2
    (pictures / "annotations.json").write_text("{}")
    assert run(pictures, bundle_dir, "--format", "coco") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert [text in line for text, line in zip(
        ("no such folder", "did you mean cat", "there already"), errors, strict=True
    )] == [True] * 3  # fmt: skip
