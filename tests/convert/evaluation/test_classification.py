from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.build.trained import input_rule
from convert.errors import DatasetError
from convert.evaluation.classification import ClassificationValidator
from convert.training.dataset import TrainingImage


def shown(path: Path, class_id: int) -> TrainingImage:
    """An image of one class, 60 x 40 pixels."""
    box = np.array([[0, 0, 60, 40]], np.float32)
    return TrainingImage(path, box, np.array([class_id], np.int32), np.zeros(1, bool), 60, 40)


@pytest.fixture
def judge(tmp_path) -> ClassificationValidator:
    """Three cats and one dog, and an image that is gone."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, 3), (10, 20, 30), np.uint8))
    images = [shown(tmp_path / "a.png", number) for number in (0, 0, 0, 1)]
    gone = shown(tmp_path / "gone.png", 1)
    return ClassificationValidator([*images, gone], ("cat", "dog"), input_rule(96))


def test_images_are_as_the_network_gets_them_and_what_is_gone_is_left_out(judge):
    assert judge.truth.tolist() == [0, 0, 0, 1]
    assert judge.pixels[0].shape == (96, 96, 3)
    assert judge.pixels[0][0, 0].tolist() == [30, 20, 10]


def test_logits_become_probabilities(judge):
    shares = judge.probabilities([np.log(np.array([3.0, 1.0], np.float32))] * 4)
    np.testing.assert_allclose(shares, [[0.75, 0.25]] * 4, rtol=1e-6)


def test_accuracy_is_of_images_and_recall_of_classes(judge):
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]], np.float32)
    assert judge.scores(said) == (0.75, pytest.approx((2 / 3 + 1) / 2))


def test_threshold_of_a_class_parts_it_from_the_others(judge):
    said = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]], np.float32)
    thresholds = judge.thresholds(said)
    assert thresholds["cat"].threshold == pytest.approx(0.4)
    assert thresholds["dog"].threshold == pytest.approx(0.6)
    assert (thresholds["cat"].precision, thresholds["cat"].recall) == (1, 1)


def test_no_image_that_can_be_read_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="not one"):
        ClassificationValidator([shown(tmp_path / "gone.png", 0)], ("cat",), input_rule(96))
