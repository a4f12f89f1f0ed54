from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.evaluation.mistakes import confusion, match, worst_images
from convert.training.dataset import TrainingImage
from device.inference.candidates import Candidates

CLASSES = ("cat", "dog")
THRESHOLDS = {"cat": 0.5, "dog": 0.3}
LEFT, RIGHT = (10, 10, 50, 50), (60, 10, 100, 50)


def image(*objects, ignored=()):
    """An image with (box, class id) objects."""
    return TrainingImage(
        Path("a.jpg"),
        np.array([box for box, _ in objects], np.float32).reshape(-1, 4),
        np.array([class_id for _, class_id in objects], np.int32),
        np.array([number in ignored for number in range(len(objects))], bool),
        120,
        60,
    )


def found(*detections):
    """(box, class id, score) as the decoder gives them, best first."""
    return Candidates(
        np.array([box for box, _, _ in detections], np.float32).reshape(-1, 4),
        np.array([score for _, _, score in detections], np.float32),
        np.array([class_id for _, class_id, _ in detections], np.intp),
    )


def kinds(matches):
    return [(item.kind, item.truth, item.said) for item in matches.mistakes]


def test_object_found_is_no_mistake():
    matches = match(image((LEFT, 0)), found((LEFT, 0, 0.9)), CLASSES, THRESHOLDS)
    assert (matches.pairs, matches.mistakes) == (((0, 0),), ())


@pytest.mark.parametrize(("class_id", "reported"), [(0, False), (1, True)])
def test_detection_below_the_threshold_of_its_class_is_not_reported(class_id, reported):
    matches = match(image(), found((LEFT, class_id, 0.4)), CLASSES, THRESHOLDS)
    assert bool(matches.mistakes) is reported


def test_object_taken_for_another_class_is_neither_missed_nor_a_false_alarm():
    matches = match(image((LEFT, 0)), found((LEFT, 1, 0.9)), CLASSES, THRESHOLDS)
    assert kinds(matches) == [("wrong class", "cat", "dog")]
    assert matches.mistakes[0].score == pytest.approx(0.9)


def test_right_answer_takes_the_object_though_a_wrong_one_is_surer():
    matches = match(image((LEFT, 0)), found((LEFT, 1, 0.9), (LEFT, 0, 0.6)), CLASSES, THRESHOLDS)
    assert matches.pairs == ((0, 0), (-1, 1))
    assert kinds(matches) == [("false alarm", "", "dog")]


def test_second_box_on_one_object_is_a_false_alarm():
    matches = match(image((LEFT, 0)), found((LEFT, 0, 0.9), (LEFT, 0, 0.8)), CLASSES, THRESHOLDS)
    assert matches.pairs == ((0, 0), (-1, 0))


def test_box_beside_its_object_is_a_miss_and_a_false_alarm():
    # They share 20 x 40 of 40 x 60: an IoU of a third.
    shifted = (30, 10, 70, 50)
    matches = match(image((LEFT, 0)), found((shifted, 0, 0.9)), CLASSES, THRESHOLDS)
    assert kinds(matches) == [("false alarm", "", "cat"), ("missed", "cat", "")]


def test_ignored_object_need_not_be_found_and_may_be():
    shown = image((LEFT, 0), (RIGHT, 1), ignored=(0, 1))
    matches = match(shown, found((LEFT, 0, 0.9)), CLASSES, THRESHOLDS)
    assert (matches.pairs, matches.mistakes) == ((), ())


def test_confusion_counts_truth_in_rows_and_answers_in_columns():
    table = confusion([(0, 0), (0, 1), (1, -1), (-1, 0), (-1, 0)], 2)
    assert table == [[1, 1, 0], [0, 0, 1], [2, 0, 0]]


def test_images_with_most_mistakes_come_first_and_of_equals_the_surest():
    shown = image((LEFT, 0), (RIGHT, 1))
    answers = [
        found((LEFT, 0, 0.9), (RIGHT, 1, 0.9)),  # right
        found((LEFT, 1, 0.7), (RIGHT, 1, 0.6)),  # one wrong
        found(),  # both missed
        found((LEFT, 0, 0.8), (RIGHT, 0, 0.9)),  # one wrong, surer
    ]
    images = [shown] * 4
    matches = [match(shown, answer, CLASSES, THRESHOLDS) for answer in answers]
    worst = worst_images(images, matches)
    assert [len(item.mistakes) for item in worst] == [2, 1, 1]
    assert [item.mistakes[0].score for item in worst] == pytest.approx([0, 0.9, 0.7])
    assert len(worst_images(images, matches, count=1)) == 1
