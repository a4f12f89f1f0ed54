from __future__ import annotations

import pytest

from convert.errors import EvaluationError
from convert.evaluation.coco_map import Precision
from convert.evaluation.review import FILE, ClassReview, make_review, read_review, write_review
from tests.convert.evaluation.test_mistakes import LEFT, RIGHT, THRESHOLDS, found, image

PRECISION = Precision(0.25, 0.5, {"cat": 0.25}, ())


@pytest.fixture
def review():
    shown = [image((LEFT, 0), (RIGHT, 0)), image((LEFT, 0))]
    answers = [found((LEFT, 0, 0.9), (RIGHT, 1, 0.8)), found((RIGHT, 0, 0.7))]
    learnt = [image((LEFT, 0), (RIGHT, 1)), image((LEFT, 0))]
    return make_review("test", shown, answers, PRECISION, THRESHOLDS, learnt, before=0.2)


def test_each_class_is_counted(review):
    cat, dog = review.classes
    assert cat == ClassReview("cat", 0.5, 2, boxes=3, found=1, reported=2, ap=0.25)
    assert (cat.precision, cat.recall) == (0.5, pytest.approx(1 / 3))
    assert dog == ClassReview("dog", 0.3, 1, boxes=0, found=0, reported=1, ap=None)
    assert (dog.precision, dog.recall) == (0.0, None)
    assert review.confusion == [[1, 1, 1], [0, 0, 0], [1, 0, 0]]


def test_class_that_is_never_reported_has_no_precision():
    assert ClassReview("cat", 0.5, 2, boxes=3, found=0, reported=0, ap=0.0).precision is None


def test_what_is_written_is_what_is_read(review, tmp_path):
    write_review(review, tmp_path)
    assert read_review(tmp_path) == review


def test_bundle_without_a_review_has_none(tmp_path):
    assert read_review(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 100_000, b"\xff"])
def test_damaged_review_is_told_in_one_line(data, tmp_path):
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(EvaluationError, match=r"training\.json: .*; train again, or remove it"):
        read_review(tmp_path)
