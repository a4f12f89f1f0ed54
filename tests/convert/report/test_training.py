from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation.mistakes import ImageMistakes, Mistake
from convert.evaluation.review import ClassReview, Gain, Review, read_review, write_review
from convert.report.training import confused_pairs, curves, read_curves, training
from convert.training.log import FILE
from convert.training.state import EpochRecord
from tests.helpers.outline import Outline

EVIL = "<b>&'\""


def epoch(number, value):
    return EpochRecord(
        number,
        number,
        60.0 * number,
        0.5,
        1e-3,
        {"class": 0.4, "box": 0.2},
        {"mAP": value, "AP50": value},
        value,
        20.0,
    )


@pytest.fixture
def folder(tmp_path):
    return write_training(tmp_path)


def write_training(tmp_path):
    """What training leaves beside a bundle of two classes, one of an evil name."""
    path = tmp_path / "shown.png"
    cv2.imwrite(str(path), np.full((60, 120, 3), 90, np.uint8))
    wrong = ImageMistakes(
        str(path),
        (
            Mistake("missed", "cat", "", 0.0, (10, 10, 50, 50)),
            Mistake("wrong class", "cat", EVIL, 0.71, (60, 10, 100, 50)),
        ),
    )
    gone = ImageMistakes(str(tmp_path / "gone.png"), wrong.mistakes)
    review = Review(
        "test",
        40,
        {"mAP": 0.5, "AP50": 0.8},
        (
            ClassReview("cat", 0.4, 80, boxes=10, found=6, reported=7, ap=0.51),
            ClassReview(EVIL, 0.3, 9, boxes=0, found=0, reported=1, ap=None),
        ),
        [[6, 1, 3], [0, 0, 0], [1, 0, 0]],
        (wrong, gone),
        before=0.52,
    )
    write_review(review, tmp_path)
    lines = [msgspec.json.encode(epoch(number, 0.1 * number)) for number in (1, 2, 3)]
    (tmp_path / FILE).write_bytes(b"\n".join(lines) + b"\n")
    return tmp_path


def test_section_shows_curves_classes_confusion_advice_and_images(folder):
    section = training(folder)
    outline = Outline(section)
    assert len(outline.all("svg")) == 2
    assert len(outline.all("table")) == 2
    assert len(outline.all("img")) == 1  # the other image vanished
    assert "missed: cat; cat taken for" in section
    assert "0.020 worse" in section
    assert "6 are found" in section
    assert EVIL not in section


def test_precision_and_recall_are_of_the_class_and_empty_where_unknown(folder):
    section = training(folder)
    assert "<td class=n>0.86</td><td class=n>0.60</td><td class=n>0.51</td>" in section
    assert "<td class=n>0.00</td><td class=n></td><td class=n></td>" in section


def test_bundle_that_was_not_trained_here_has_no_section(tmp_path):
    assert training(tmp_path) == ""


def test_damaged_log_is_told_in_one_line(folder):
    (folder / FILE).write_text('{"epoch": "x"}\n')
    with pytest.raises(EvaluationError, match="train again, or remove it"):
        read_curves(folder)


def test_run_that_was_interrupted_in_its_first_epoch_has_no_curves(folder):
    (folder / FILE).unlink()
    assert "<svg" not in training(folder)
    assert "shown.png" in training(folder)


def test_curve_of_one_epoch_is_a_point():
    assert "<circle" in curves("a", "A", [1.0], {"mAP": [-1.0]}, "mAP")


def test_of_many_classes_only_the_confused_pairs_are_told(folder):
    count = 30
    table = [[0] * (count + 1) for _ in range(count + 1)]
    table[2][3], table[4][1] = 5, 9
    classes = tuple(ClassReview(f"c{n}", 0.5, 9, 9, 0, 0, None) for n in range(count))
    review = Review("validation", 5, {"mAP": 0.1}, classes, table, ())
    assert confused_pairs(review) == [(9, "c4", "c1"), (5, "c2", "c3")]
    write_review(review, folder)
    section = training(folder)
    assert "Classes that are taken for another" in section
    assert section.index("c4</th><td>c1") < section.index("c2</th><td>c3")


def test_what_a_teacher_and_rounding_gave_stands_in_a_table(folder):
    review = read_review(folder)
    gains = (Gain("the teacher, whole", 0.8), Gain("this network", 0.7, 0.695))
    write_review(msgspec.structs.replace(review, gains=gains), folder)
    section = training(folder)
    assert "the teacher, whole" in section
    assert "0.695" in section
    assert ">0.5<" in section  # points that int8 lost
    write_review(review, folder)
    assert 'id="gains"' not in training(folder)


def test_classifier_has_images_and_no_false_alarms(folder):
    review = read_review(folder)
    whole = msgspec.structs.replace(
        review, task="classification", scores={"accuracy": 0.6, "mean recall": 0.5}
    )
    write_review(whole, folder)
    section = training(folder)
    assert "accuracy 0.600, mean recall 0.500" in section
    assert "of which no class reached its threshold" in section
    assert "#mAP" not in section
    confusion = section[section.index('id="confusion"') :]
    assert confusion[: confusion.index("</table>")].count("<tr>") == 3  # heads and two classes
