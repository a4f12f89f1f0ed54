from __future__ import annotations

import msgspec

from convert.evaluation.review import ClassReview, Review
from convert.report.advice import advise_images
from convert.training.state import EpochRecord


def reviewed(table, train_boxes=200, images=100):
    """A review of classes a, b, ... from its confusion alone."""
    classes = tuple(
        ClassReview(
            name="abc"[number],
            threshold=0.5,
            train_boxes=train_boxes,
            boxes=sum(table[number]),
            found=table[number][number],
            reported=sum(row[number] for row in table),
            ap=0.5,
        )
        for number in range(len(table) - 1)
    )
    return Review("test", images, {"mAP": 0.5}, classes, table, ())


def epochs(maps):
    best = 0.0
    records = []
    for number, value in enumerate(maps, start=1):
        best = max(best, value)
        records.append(EpochRecord(number, number, 1.0, 0.1, 1e-3, {}, {"mAP": value}, best, 9))
    return records


def test_network_that_errs_nowhere_is_told_so():
    (line,) = advise_images(reviewed([[50, 0, 0], [0, 50, 0], [0, 0, 0]]), epochs([0.5] * 6))
    assert line.startswith("Nothing stands out")


def test_confused_classes_are_named_with_both_directions_counted():
    lines = advise_images(reviewed([[42, 8, 0], [9, 41, 0], [0, 0, 0]]), [])
    assert lines[0].startswith("a and b are taken for each other (17 of 100)")
    assert len(lines) == 1


def test_class_of_few_boxes_needs_more_and_one_of_many_other_ones():
    table = [[30, 20], [0, 0]]
    assert "with 20 boxes to train on: label 100" in advise_images(reviewed(table, 20), [])[0]
    assert "as on those missed" in advise_images(reviewed(table, 200), [])[0]
    whole = msgspec.structs.replace(reviewed(table, 20), task="classification")
    assert "with 20 images to train on" in advise_images(whole, [])[0]


def test_class_that_is_not_shown_is_told():
    assert (
        "b is not on these images" in advise_images(reviewed([[9, 0, 0], [0] * 3, [0] * 3]), [])[0]
    )


def test_many_false_alarms_ask_for_images_without_things():
    assert (
        "10 of 60 detections are false alarms" in advise_images(reviewed([[50, 0], [10, 0]]), [])[0]
    )
    assert "Nothing" in advise_images(reviewed([[50, 0], [2, 0]]), [])[0]


def test_validation_that_still_rises_asks_for_more_time():
    good = reviewed([[50, 0], [0, 0]])
    assert "rose by 0.10" in advise_images(good, epochs([0.3, 0.4, 0.5, 0.6, 0.65, 0.7]))[0]
    assert "Nothing" in advise_images(good, epochs([0.3, 0.5, 0.7, 0.7, 0.7, 0.7]))[0]


def test_few_images_to_judge_by_are_told():
    assert "8 images are few" in advise_images(reviewed([[50, 0], [0, 0]], images=8), [])[-1]
