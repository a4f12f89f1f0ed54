from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.slimming.task import SlimOptions, SlimTask
from convert.training.dataset import Dataset, TrainingImage
from convert.training.weights_file import WEIGHTS
from tests.convert.slimming.stubs import random_original
from tests.convert.training.shapes import CLASSES


def test_networks_so_far_lie_beside_the_bundle_that_is_to_be():
    options = SlimOptions(Path("build/small"))
    assert options.work == Path("build/small.slimming")


@pytest.mark.parametrize(("target", "board"), [("pi4", "pi4"), ("pi5", "pi5"), ("here", "pi5")])
def test_networks_are_ranked_by_a_board_also_where_they_are_timed_here(target, board):
    assert SlimOptions(Path("out"), target=target).board == board


def shown(*class_ids, ignored=False):
    """A picture with an object of each of these classes."""
    count = len(class_ids)
    return TrainingImage(
        Path("picture.jpg"),
        np.tile(np.array([1, 1, 9, 9], np.float32), (count, 1)),
        np.array(class_ids, np.int32),
        np.full(count, ignored),
        20,
        20,
    )


EVERY = (shown(0), shown(1))


@pytest.mark.parametrize(
    ("train", "labelled", "trained_here", "taught"),
    [
        (EVERY, True, True, False),
        (EVERY, False, True, True),
        (EVERY, True, False, True),
        ((shown(0), shown(0)), True, True, True),
        ((shown(0), shown(1, ignored=True)), True, True, True),
    ],
    ids=["own labels", "no labels", "COCO's network", "a class unseen", "a class only ignored"],
)
def test_networks_are_taught_unless_labels_say_all_that_the_whole_one_knows(
    tmp_path, train, labelled, trained_here, taught
):
    original = random_original()
    original.bundle.folder = tmp_path
    if trained_here:
        (tmp_path / WEIGHTS).touch()
    dataset = Dataset(CLASSES, train, (), (), "detection")
    task = SlimTask(original, dataset, SlimOptions(tmp_path / "out"), labelled)
    assert task.taught is taught
