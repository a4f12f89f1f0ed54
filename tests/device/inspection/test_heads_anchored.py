"""An SSD that answers with its anchors needs no file of them."""

from __future__ import annotations

from itertools import permutations

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
from tests.helpers.tiny_models import BOXES, COLOURS_BGR


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


@pytest.fixture
def recognised(tmp_path):
    def recognised(rows: str, **made):
        (tmp_path / "labels.txt").write_text(rows)
        (tmp_path / "st.tflite").write_bytes(tiny_models.anchored_ssd(**made))
        return recognise(tmp_path / "st.tflite", Hints(labels=str(tmp_path / "labels.txt")))

    return recognised


@pytest.mark.parametrize("order", permutations(range(3)))
@pytest.mark.parametrize("classes", [4, 5])  # four are as many as a box has sides
def test_box_is_read_beside_its_anchor(recognised, order, classes):
    names = ["background", "other", "red", "green", "blue"]
    if classes == 4:
        names.remove("other")
    model = recognised("\n".join(names), order=order, classes=classes)
    assert model.manifest.decoder.background == 0
    assert "anchors" in next(item.why for item in model.explanations if item.topic == "outputs")
    for number, colour in enumerate(COLOURS_BGR):
        pixels = np.full((48, 64, 3), COLOURS_BGR[colour], np.uint8)
        with Engine(model, interpreter="litert", threads=1) as engine:
            (found,) = engine.run(Frame(pixels, 0, 0.0)).detections
        x_min, y_min, x_max, y_max = BOXES[number]
        right = (x_max - x_min) / 2
        moved = (x_min + right, y_min, min(1, x_max + right), y_max)
        assert found.label == colour
        assert found.box == pytest.approx(np.multiply(moved, (64, 48) * 2), abs=0.1)


def test_labels_without_the_background_are_those_of_the_other_classes(recognised):
    model = recognised("other\nred\ngreen\nblue")
    assert model.labels == ("background", "other", "red", "green", "blue")


def test_labels_of_another_model_are_refused(recognised):
    with pytest.raises(UsageError, match="has 2 names, the model 5 classes"):
        recognised("red\ngreen")


def test_three_outputs_that_all_change_are_not_taken_for_it(tmp_path):
    (tmp_path / "st.tflite").write_bytes(tiny_models.anchored_ssd(moving_anchors=True))
    with pytest.raises(ModelError, match="none of them is the same on every picture"):
        recognise(tmp_path / "st.tflite")
