"""MediaPipe's finders of faces are told by their numbers and find the box of the drawn face."""

from __future__ import annotations

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.errors import ModelError
from device.inference.engine import Engine
from device.inspection import recognition as module
from device.inspection.heads_blaze import blaze
from device.inspection.recognition import recognise
from device.inspection.trial_run import ExamineRequest, answer
from device.inspection.understanding import Evidence, Rejected, Understanding
from device.records import Frame
from tests.helpers import tiny_models
from tests.helpers.model_outputs import output
from tests.helpers.tiny_models import COLOURS_BGR, FACES


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


@pytest.fixture
def write(tmp_path):
    def write(data: bytes):
        path = tmp_path / "face.tflite"
        path.write_bytes(data)
        return path

    return write


def seen(model, colour, size_hw):
    pixels = np.full((*size_hw, 3), COLOURS_BGR[colour], np.uint8)
    with Engine(model, interpreter="litert", threads=1) as engine:
        return engine.run(Frame(pixels, 0, 0.0)).detections


@pytest.mark.parametrize("swapped", [False, True])
def test_face_is_found_beside_the_middle_of_its_cell(write, swapped):
    model = recognise(write(tiny_models.blaze(swapped=swapped)))
    assert model.labels == ("face",)
    assert model.guesses == ()
    for colour, (_, box) in zip(("red", "green"), FACES.values(), strict=True):
        (found,) = seen(model, colour, (256, 256))
        assert found.label == "face"
        assert found.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)  # 12 - 8
        assert found.box == pytest.approx(np.multiply(box, 2), abs=0.1)
    assert seen(model, "blue", (256, 256)) == ()


def test_frame_is_letterboxed_as_mediapipe_does(write):
    model = recognise(write(tiny_models.blaze()))
    rule = model.manifest.input
    assert (rule.mean, rule.std, rule.resize) == (127.5, 127.5, "letterbox")
    (found,) = seen(model, "red", (128, 160))
    # 160x128 fills 128x102 of the input, 13 rows below its top: (16 - 13) / 102 * 128 and so on.
    assert found.box == pytest.approx((40, 3.765, 80, 23.843), abs=0.1)


def test_labels_of_the_user_go_first(write, tmp_path):
    (tmp_path / "labels.txt").write_text("Gesicht\n")
    model = recognise(write(tiny_models.blaze()), Hints(labels=str(tmp_path / "labels.txt")))
    assert model.labels == ("Gesicht",)


def test_size_that_no_published_model_has_is_none(write):
    with pytest.raises(ModelError, match="no published model has 896 candidates in 64x64"):
        recognise(write(tiny_models.blaze(side=64)))


@pytest.mark.parametrize(
    ("side", "count", "values", "label", "family"),
    [
        (128, 896, 16, "face", "blaze"),
        (256, 896, 16, "face", "blaze"),
        (192, 2304, 16, "face", "blaze"),
        (192, 2016, 18, "palm", "blaze-palm"),
        (224, 2254, 12, "face of a pose", "blaze"),
        (256, 2944, 18, "palm", "blaze-palm"),
    ],
)
def test_published_models_are_known_by_their_numbers(side, count, values, label, family):
    outputs = [output(0, np.ones((1, count, values))), output(1, np.ones((1, count, 1)))]
    found = blaze(Evidence(outputs, None, None, None, size_wh=(side, side)))
    assert isinstance(found, Understanding)
    assert (found.labels, found.family) == ((label,), family)


def test_other_numbers_are_not_mediapipes():
    outputs = [output(0, np.ones((1, 896, 20))), output(1, np.ones((1, 896, 1)))]
    assert isinstance(blaze(Evidence(outputs, None, None, None, size_wh=(128, 128))), Rejected)


def test_palms_are_seen_in_0_to_1(write):
    model = recognise(write(tiny_models.blaze(points=7)))
    assert model.labels == ("palm",)
    assert (model.manifest.input.mean, model.manifest.input.std) == (0.0, 255.0)
