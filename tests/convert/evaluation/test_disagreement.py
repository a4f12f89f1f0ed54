from pathlib import Path

import numpy as np

from convert.annotations.ground_truth import GroundTruthImage
from convert.evaluation.accuracy import SeenObject
from convert.evaluation.disagreement import SHOWN, find_disagreements

LABELS = ("background", "person", "cat")
PERSON = (1, 0.9, 0, 0, 10, 10)
FAINT = (1, 0.3, 50, 50, 60, 60)
CAT = (2, 0.8, 20.04, 20, 30, 30)


def found(*rows):
    return np.array(rows, float).reshape(-1, 6)


def classes(*rows):
    return np.array(rows, float).reshape(-1, 2)


def images(count):
    return [GroundTruthImage(Path("some/folder"), f"{n}.jpg", ()) for n in range(count)]


def find(said, threshold=0.5):
    return find_disagreements(images(len(said)), said, LABELS, threshold, "float32")


def test_worst_comes_first_and_agreement_is_not_shown():
    said = [
        {"float32": found(PERSON), "int8": found(PERSON)},
        {"float32": found(PERSON), "int8": found(PERSON, CAT)},
        {"float32": found(PERSON), "int8": found(CAT)},
    ]
    assert [(item.file, item.differing) for item in find(said)] == [("2.jpg", 2), ("1.jpg", 1)]


def test_every_variant_is_shown_with_its_detections():
    (item,) = find([{"float32": found(PERSON, FAINT), "int8": found(CAT)}])
    assert item.folder == "some/folder"
    assert item.variants == {
        "float32": (SeenObject("person", 0.9, (0, 0, 10, 10)),),
        "int8": (SeenObject("cat", 0.8, (20.0, 20, 30, 30)),),
    }


def test_detections_below_the_threshold_do_not_differ():
    said = [{"float32": found(PERSON, FAINT), "int8": found(PERSON)}]
    assert find(said) == ()
    assert len(find(said, threshold=0.2)) == 1


def test_differences_of_all_variants_add_up():
    said = [{"int8": found(CAT), "float32": found(PERSON), "dynamic": found()}]
    assert find(said)[0].differing == 3


def test_at_most_twelve_are_shown_the_earlier_of_equals():
    said = [{"float32": found(PERSON), "int8": found()}] * 20
    assert [item.file for item in find(said)] == [f"{n}.jpg" for n in range(SHOWN)]


def test_without_float32_there_is_nothing_to_show():
    assert find([{"int8": found(PERSON), "dynamic": found()}]) == ()


def test_classifiers_differ_in_their_first_choice():
    same = {"float32": classes((1, 0.9), (2, 0.1)), "int8": classes((1, 0.6), (0, 0.4))}
    other = {"float32": classes((1, 0.9), (2, 0.1)), "int8": classes((2, 1.0), (0, 0.0))}
    (item,) = find([same, other])
    assert (item.file, item.differing) == ("1.jpg", 1)
    assert item.variants["int8"] == (SeenObject("cat", 1.0),)
