"""A box that is wide and low stays wide and low, whichever corner value its model writes first."""

from __future__ import annotations

import json

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.inference.engine import Engine
from device.inspection import recognition as module
from device.inspection.recognition import recognise
from device.inspection.trial_run import ExamineRequest, answer
from device.records import Frame
from tests.helpers import tiny_models
from tests.helpers.model_outputs import NOTHING, VALUES, output, understood
from tests.helpers.tiny_models import with_files

WIDE_AND_LOW = (6.4, 4.8, 32.0, 14.4)  # (0.1, 0.1, 0.5, 0.3) of 64x48 pixels
NOTES = json.dumps({"stride": 32, "names": {0: "red", 1: "green", 2: "blue"}})
OBJECT_DETECTION_API = (
    "detection_boxes:0",
    "detection_classes",
    "detection_scores",
    "num_detections",
)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


def described(*index):
    return tiny_models.metadata(outputs=("location", "category", "score", "n"), box_index=index)


@pytest.fixture
def first_box(tmp_path):
    """The best box on a picture of 64x48, and what was guessed."""

    def first_box(made, notes=None, **hints):
        path = tmp_path / "best.tflite"
        data = tiny_models.plain_detections(**made)
        path.write_bytes(data)
        if notes is not None:
            with_files(path, {"temp_meta.txt": notes}, data)
        model = recognise(path, Hints(**hints))
        with Engine(model, interpreter="litert", threads=1) as engine:
            found = engine.run(Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0))
        return found.detections[0].box, [text for text in model.guesses if "boxes" in text]

    return first_box


@pytest.mark.parametrize(
    ("made", "hints"),
    [
        ({"corners": "xyxy", "metadata": described(0, 1, 2, 3)}, {}),
        ({"corners": "yxyx", "metadata": described(1, 0, 3, 2)}, {}),
        ({"corners": "yxyx", "names": OBJECT_DETECTION_API}, {}),
        ({"corners": "xyxy"}, {"boxes": "xyxy"}),
        ({"corners": "yxyx"}, {"boxes": "yxyx"}),
    ],
    ids=["metadata x", "metadata y", "names", "flag x", "flag y"],
)
def test_what_is_said_of_the_corners_is_believed(first_box, made, hints):
    box, guesses = first_box(made, **hints)
    assert box == pytest.approx(WIDE_AND_LOW, abs=0.05)
    assert guesses == []


def test_yolo_that_suppresses_its_boxes_in_tensorflow_has_x_first(first_box):
    # As YOLOv5 exports with --nms: its notes beside boxes, scores, classes and a count.
    box, guesses = first_box({"corners": "xyxy", "order": (0, 2, 1, 3)}, notes=NOTES)
    # The frame is letterboxed into 32x32: 24 rows of it, below 4 of grey.
    assert box == pytest.approx((6.4, 0.0, 32.0, (0.3 * 32 - 4) * 2), abs=0.05)
    assert guesses == []


def test_corners_of_which_nothing_is_said_are_a_guess_said_aloud(first_box):
    box, guesses = first_box({"corners": "yxyx"})
    assert box == pytest.approx(WIDE_AND_LOW, abs=0.05)
    (guess,) = guesses
    assert "GUESSED" in guess
    assert "--boxes xyxy" in guess


def test_operator_of_tensorflow_lite_is_not_contradicted(tmp_path):
    path = tmp_path / "detect.tflite"
    path.write_bytes(tiny_models.ssd())
    assert recognise(path, Hints(boxes="yxyx")).manifest.decoder.box == "yxyx"
    with pytest.raises(UsageError, match="--boxes xyxy: the operator TFLite_Detection_Post"):
        recognise(path, Hints(boxes="xyxy"))


def test_model_without_corners_has_no_use_for_the_flag(tmp_path):
    path = tmp_path / "classifier.tflite"
    path.write_bytes(tiny_models.classifier())
    with pytest.raises(UsageError, match=r"--boxes xyxy.*another kind.*a row of scores"):
        recognise(path, Hints(boxes="xyxy"))


def test_combined_suppression_names_its_outputs_where_they_hold_nothing():
    values = VALUES | NOTHING
    order = ("boxes", "scores", "classes", "count")  # of TensorFlow's operator
    outputs = [
        output(place, values[role], operator="FlexCombinedNonMaxSuppression", slot=place)
        for place, role in enumerate(order)
    ]
    (head,) = understood(outputs).heads
    assert (head.scores.position, head.classes.position) == (1, 2)
    unsaid = [output(place, values[role]) for place, role in enumerate(order)]
    with pytest.raises(ModelError, match="does not tell which is which"):
        understood(unsaid)
