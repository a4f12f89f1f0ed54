from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from convert.cli import main
from convert.report.contact_sheet import make_contact_sheet
from convert.training.dataset import Dataset, TrainingImage


def write_dataset(tmp_path, label="cat", count=3) -> Dataset:
    images = []
    for number in range(count):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((100, 200, 3), 60 * number, np.uint8))
        boxes = np.array([[10, 10, 30, 30], [0, 0, 200, 100]][: number % 3], np.float32)
        ids = np.zeros(len(boxes), np.int32)
        ignored = np.zeros(len(boxes), bool)
        images.append(TrainingImage(path, boxes.reshape(-1, 4), ids, ignored, 200, 100))
    return Dataset((label,), tuple(images), (), (), "detection")


def test_page_counts_classes_and_sizes(tmp_path):
    page = make_contact_sheet(write_dataset(tmp_path), "mine", 0)
    assert page.count("<img ") == 3
    # One box of 20 x 20 on 200 x 100 is 14 % of its side; two more, of which one is the whole.
    assert "middling (10 to 30 %)</th><td class=n>2</td>" in page
    assert "large (over 30 %)</th><td class=n>1</td>" in page
    assert '<th scope="row">cat</th><td class=n>3</td><td class=n>0</td>' in page


def test_page_of_a_classifier_counts_images_and_draws_no_boxes(tmp_path):
    boxes = write_dataset(tmp_path)
    page = make_contact_sheet(dataclasses.replace(boxes, task="classification"), "mine", 0)
    assert "Is each image in the right folder?" in page
    assert "Images of each class" in page
    assert "negatives" not in page
    assert "Sizes of boxes" not in page


def test_labels_and_names_are_text_and_nothing_else(tmp_path):
    page = make_contact_sheet(write_dataset(tmp_path, "<script>"), "<b>", 0)
    assert "<script>" not in page
    assert "&lt;b&gt;" in page


def test_image_that_vanished_is_said_in_its_place(tmp_path):
    dataset = write_dataset(tmp_path)
    (tmp_path / "1.png").unlink()
    assert "No such file" in make_contact_sheet(dataset, "mine", 0)


def test_command_writes_the_page_and_says_where(tmp_path, capsys):
    write_dataset(tmp_path, count=12)
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    page = tmp_path / "out" / "labels.html"
    assert main(["dataset", str(tmp_path), "--html", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_command_on_a_folder_without_labels_is_one_line(tmp_path, capsys):
    assert main(["dataset", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
