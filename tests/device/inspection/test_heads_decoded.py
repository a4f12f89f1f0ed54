"""Detectors whose boxes are decoded but not suppressed, in one output, with scores in another."""

from __future__ import annotations

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
from tests.helpers.model_outputs import output, understood
from tests.helpers.tiny_models import BOXES, COLOURS_BGR, LABELS

RAW = ("raw_detection_boxes", "raw_detection_scores")  # of the Object Detection API


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


@pytest.fixture
def recognised(tmp_path):
    def recognised(made, rows=LABELS, **hints):
        (tmp_path / "labels.txt").write_text(rows)
        (tmp_path / "detector.tflite").write_bytes(tiny_models.decoded_pair(**made))
        hints = Hints(labels=str(tmp_path / "labels.txt"), mean=(127.5,), std=(127.5,), **hints)
        return recognise(tmp_path / "detector.tflite", hints)

    return recognised


@pytest.mark.parametrize(
    ("made", "hints"),
    [
        ({"form": "xywh"}, {}),
        ({"form": "xywh", "pixels": 32, "swapped": True}, {}),
        ({"form": "xyxy"}, {"boxes": "xyxy"}),
        ({"form": "xyxy", "pixels": 32}, {"boxes": "xyxy"}),
        ({"form": "yxyx", "names": RAW, "swapped": True}, {}),
        ({"form": "yxyx", "names": RAW, "background": True}, {}),
    ],
    ids=str,
)
def test_box_of_the_colour_is_found(recognised, made, hints):
    rows = "background\n" + LABELS if made.get("background") else LABELS
    model = recognised(made, rows, **hints)
    assert model.guesses == ()
    for number, colour in enumerate(COLOURS_BGR):
        pixels = np.full((48, 64, 3), COLOURS_BGR[colour], np.uint8)
        with Engine(model, interpreter="litert", threads=1) as engine:
            (found,) = engine.run(Frame(pixels, 0, 0.0)).detections
        assert found.label == colour
        assert found.score > 0.99
        assert found.box == pytest.approx(np.multiply(BOXES[number], (64, 48) * 2), abs=0.1)


def test_corners_of_which_nothing_is_said_are_a_guess(recognised):
    (guess,) = recognised({"form": "yxyx"}).guesses
    assert "--boxes xyxy" in guess


def test_centre_and_size_are_no_corners(recognised):
    with pytest.raises(UsageError, match=r"--boxes xyxy.*another kind.*centre and size"):
        recognised({"form": "xywh"}, boxes="xyxy")


def test_encodings_are_still_asked_for_their_anchors():
    random = np.random.default_rng(0)
    outputs = [output(0, random.normal(size=(1, 60, 4))), output(1, random.random((1, 60, 7)))]
    with pytest.raises(ModelError, match=r"raw SSD heads of 7 classes.*--anchors"):
        understood(outputs)
