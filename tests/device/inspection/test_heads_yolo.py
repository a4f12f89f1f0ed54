"""YOLO models of every layout are understood, run, and say why."""

from __future__ import annotations

import json

import numpy as np
import pytest

from device.bundle.decoder_rules import DenseRule, RowsRule
from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.inference.engine import Engine
from device.inspection import recognition as module
from device.inspection.recognition import recognise
from device.inspection.trial_run import ExamineRequest, answer
from device.records import Frame
from tests.helpers import tiny_models
from tests.helpers.tiny_models import BOXES, COLOURS_BGR, with_files

NAMES = ("red", "green", "blue")


def notes(names=NAMES, **others) -> str:
    return json.dumps({"task": "detect", "stride": 32, "names": dict(enumerate(names))} | others)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, text: str | None = None, name="metadata.json"):
        path = tmp_path / "best.tflite"
        path.write_bytes(data)
        return path if text is None else with_files(path, {name: text}, data)

    return write


def seen(model, colour, size_hw=(32, 32)):
    pixels = np.full((*size_hw, 3), COLOURS_BGR[colour], np.uint8)
    with Engine(model, interpreter="litert", threads=1) as engine:
        return engine.run(Frame(pixels, 0, 0.0)).detections


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"columns": True},
        {"shapes": 3},
        {"shapes": 3, "columns": True},
        {"pixels": True},
        {"pixels": True, "columns": True, "shapes": 3},
        {"logits": True},
        {"logits": True, "shapes": 3},
        {"dtype": "uint8"},
        {"dtype": "int8", "columns": True},
        {"dtype": "int8", "shapes": 3},
        {"rows": 300},
        {"rows": 300, "pixels": True},
        {"objectness": True},  # one per cell, and always an object: as YOLOv6
    ],
    ids=str,
)
def test_yolo_of_any_layout_finds_the_box_of_the_colour(write, kind):
    model = recognise(write(tiny_models.yolo(**kind), notes()))
    for number, colour in enumerate(NAMES):
        (found,) = seen(model, colour)
        assert found.label == colour
        assert found.score > 0.9
        assert found.box == pytest.approx(np.multiply(BOXES[number], 32), abs=0.3)


def test_frame_is_letterboxed_and_boxes_come_back_to_its_pixels(write):
    model = recognise(write(tiny_models.yolo(), notes()))
    assert model.manifest.input.resize == "letterbox"
    (found,) = seen(model, "blue", (48, 96))
    # 96x48 is 32x16 of the input, 8 rows below its top: y = (0.6 * 32 - 8) * 3 and so on.
    x_min, y_min, x_max, y_max = BOXES[2]
    assert found.box == pytest.approx(
        (x_min * 96, (y_min * 32 - 8) * 3, x_max * 96, min(48, (y_max * 32 - 8) * 3)), abs=0.2
    )


def test_frame_is_stretched_where_the_user_says_so(write):
    path = write(tiny_models.yolo(), notes())
    model = recognise(path, Hints(resize="stretch"))
    (found,) = seen(model, "blue", (48, 96))
    assert found.box == pytest.approx(np.multiply(BOXES[2], (96, 48) * 2), abs=0.3)
    (picture,) = [item for item in model.explanations if item.topic == "picture"]
    assert (picture.what, picture.why) == ("all of it, stretched", "--resize")


def test_layout_alone_is_enough_without_notes(write, tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join(NAMES))
    model = recognise(write(tiny_models.yolo()), Hints(labels=str(tmp_path / "labels.txt")))
    assert isinstance(model.manifest.decoder, DenseRule)
    assert model.labels == NAMES
    assert [item.label for item in seen(model, "green")] == ["green"]
    assert model.guesses == ()


def test_names_of_a_data_yaml_are_taken(write, tmp_path):
    (tmp_path / "data.yaml").write_text("nc: 3\nnames: [red, green, blue]\n")
    model = recognise(write(tiny_models.yolo()), Hints(labels=str(tmp_path / "data.yaml")))
    assert model.labels == NAMES


def test_names_that_do_not_fit_are_refused_with_both_counts(write, tmp_path):
    (tmp_path / "labels.txt").write_text("red\ngreen\n")
    with pytest.raises(UsageError, match="has 2 names, the model 3 classes"):
        recognise(write(tiny_models.yolo(shapes=3)), Hints(labels=str(tmp_path / "labels.txt")))


def test_pixels_are_0_to_1_whatever_the_quantisation_was_made_for(write):
    # As exporters calibrate some: scale and zero point of ImageNet's range.
    data = tiny_models.yolo(input_type=("int8", 0.018658, -14))
    model = recognise(write(data, notes()))
    assert (model.manifest.input.mean, model.manifest.input.std) == (0.0, 255.0)
    (found,) = seen(model, "red")
    assert found.score == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", ["metadata.json", "temp_meta.txt"])
@pytest.mark.parametrize("form", [json.dumps, repr])
def test_notes_of_either_form_name_the_classes(write, name, form):
    text = form({"stride": 32, "names": {0: "red", 1: "it's", 2: "blue"}, "task": "detect"})
    model = recognise(write(tiny_models.yolo(), text, name))
    assert model.labels == ("red", "it's", "blue")
    assert any("exporter's notes" in item.why for item in model.explanations)


def test_mask_coefficients_are_left_out(write):
    model = recognise(write(tiny_models.yolo(others=2), notes(names=("a", "b", "c", "d", "e"))))
    assert model.manifest.decoder.classes == 5  # the notes say what the numbers are


@pytest.mark.parametrize(("task", "said"), [("pose", "finds poses"), ("obb", "boxes are turned")])
def test_yolo_of_another_task_says_what_it_is(write, task, said):
    with pytest.raises(ModelError, match=said):
        recognise(write(tiny_models.yolo(), notes(task=task)))


def test_boxes_that_nobody_decoded_are_refused(write):
    with pytest.raises(ModelError, match="nobody decoded"):
        recognise(write(tiny_models.yolo(swap_box=True), notes()))


def test_rows_have_their_own_rule_and_units(write):
    model = recognise(write(tiny_models.yolo(rows=300), notes(args={"nms": True})))
    assert model.manifest.decoder == RowsRule(units="fraction")
    assert recognise(
        write(tiny_models.yolo(rows=300, pixels=True), notes())
    ).manifest.decoder == RowsRule(units="pixels")


def test_threshold_is_that_of_yolo(write):
    assert recognise(write(tiny_models.yolo(), notes())).manifest.threshold == 0.25


def test_why_tells_the_arithmetic(write):
    model = recognise(write(tiny_models.yolo(shapes=3), notes()))
    (outputs,) = [item for item in model.explanations if item.topic == "outputs"]
    assert "63 candidates, 3 for each cell of 8, 16 and 32 pixels" in outputs.why
    assert "an objectness, 3 classes" in outputs.why


@pytest.mark.parametrize(
    ("name", "classes"),
    [("yolov8n_int8_224", 80), ("catrepeller_best_int8", 3), ("axis_yolov5_best_int8", 9)],
)
def test_real_models_are_understood(shared_data, name, classes):
    path = shared_data / "yolo" / f"{name}.tflite"
    model = recognise(path)
    rule = model.manifest.decoder
    assert rule.classes == classes
    assert rule.objectness == ("v5" in name)
    assert model.manifest.input.resize == "letterbox"
    assert (model.manifest.input.mean, model.manifest.input.std) == (0.0, 255.0)
    assert bool(model.guesses) == ("v5" in name), "it has no names"


def test_yolov8_finds_what_is_on_a_photograph(shared_data, bundle_dir):
    from device.images import read_image

    model = recognise(shared_data / "yolo" / "yolov8n_int8_224.tflite")
    with Engine(model, interpreter="litert") as engine:
        found = engine.run(Frame(read_image(bundle_dir / "samples" / "cat.jpg"), 0, 0.0))
    assert found.detections[0].label == "cat"
