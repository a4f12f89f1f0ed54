from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.evaluation.class_review import review_classifier
from convert.evaluation.classification import ClassificationValidator
from convert.evaluation.mistakes import Mistake
from convert.evaluation.review import ClassReview, Review, read_review, write_review
from tests.convert.evaluation.test_classification import shown

THRESHOLDS = {"cat": 0.5, "dog": 0.7}


class Judge(ClassificationValidator):
    """Two cats and two dogs that are nowhere."""

    def __init__(self) -> None:
        self.classes = ("cat", "dog")
        self.images = [shown(Path(f"{number}.png"), number // 2) for number in range(4)]
        self.truth = np.array([0, 0, 1, 1])


@pytest.fixture
def review() -> Review:
    said = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]], np.float32)
    learnt = [shown(Path("t.png"), 0)] * 3
    return review_classifier("test", Judge(), said, THRESHOLDS, learnt, before=0.5)


def test_each_class_is_counted_at_its_threshold(review):
    assert review.scores == {"accuracy": 0.75, "mean recall": 0.75}
    assert review.score == 0.75
    assert review.classes == (
        ClassReview("cat", 0.5, 3, boxes=2, found=1, reported=1, ap=None),
        ClassReview("dog", 0.7, 0, boxes=2, found=1, reported=2, ap=None),
    )
    # A cat for a dog, and a dog of which no class was sure enough.
    assert review.confusion == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]


def test_worst_images_are_those_it_was_surest_of(review):
    assert [(Path(item.path).name, item.mistakes) for item in review.worst] == [
        ("1.png", (Mistake("wrong class", "cat", "dog", 0.8, (0, 0, 60, 40)),)),
        ("2.png", (Mistake("missed", "dog", "", 0.0, (0, 0, 60, 40)),)),
    ]


def test_review_is_read_as_it_was_written(review, tmp_path):
    write_review(review, tmp_path)
    assert read_review(tmp_path) == review
