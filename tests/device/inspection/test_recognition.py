from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.bundle.bare_model import BareModel
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import ClassifierRule, DetectionsRule, SsdRule
from device.bundle.hints import Hints
from device.bundle.manifest import format_manifest, parse_manifest
from device.errors import BundleError, ModelError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.inspection import recognition as module
from device.inspection.recognition import recognise
from device.inspection.trial_run import ExamineRequest, answer
from device.records import Frame
from device.runtimes import installed_interpreters
from tests.conftest import needs_tflite_runtime
from tests.helpers import tiny_models
from tests.helpers.tiny_models import ANCHORS, BOXES, COLOURS_BGR, GAIN, LABELS, with_files


@pytest.fixture
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


@pytest.fixture
def labels(tmp_path) -> str:
    (tmp_path / "labels.txt").write_text(LABELS)
    return str(tmp_path / "labels.txt")


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name: str = "model.tflite") -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def frame(colour: str) -> Frame:
    pixels = np.empty((48, 64, 3), np.uint8)
    pixels[:] = COLOURS_BGR[colour]
    return Frame(pixels, 0, 0.0)


def run(model: BareModel, colour: str):
    with Engine(model, threads=1) as engine:
        return engine.run(frame(colour))


def softmax(values) -> np.ndarray:
    powers = np.exp(np.asarray(values, float))
    return powers / powers.sum()


# name -> model, flags, what the colour's own channel and the others become
CLASSIFIERS = {
    "float": ({}, {}, 1, -1),
    "float, 0..1 by flag": ({}, {"mean": (0,), "std": (255,)}, 1, 0),
    "uint8, 1/255 and 0": ({"dtype": "uint8", "scale": 1 / 255}, {}, 1, 0),
    "uint8, 1/128 and 128": (
        {"dtype": "uint8", "scale": 1 / 128, "zero_point": 128}, {}, 127 / 128, -1,
    ),
    "int8, 1/255 and -128": ({"dtype": "int8", "scale": 1 / 255, "zero_point": -128}, {}, 1, 0),
    "int8 out": (
        {"dtype": "int8", "scale": 1 / 255, "zero_point": -128, "output": ("int8", 1 / 256, -128)},
        {}, 1, 0,
    ),
    "uint8 out": ({"output": ("uint8", 1 / 256, 0)}, {}, 1, -1),
    "logits": ({"logits": True}, {}, 1, -1),
    "quantised logits": ({"logits": True, "output": ("int8", 0.1, 3)}, {}, 1, -1),
    "planes": ({"layout": "nchw"}, {}, 1, -1),
    "planes, int8": (
        {"layout": "nchw", "dtype": "int8", "scale": 1 / 255, "zero_point": -128}, {}, 1, 0,
    ),
    "any size": ({"side": 1, "signature": (1, -1, -1, 3)}, {}, 1, -1),
    "any size, chosen": ({"side": 1, "signature": (1, -1, -1, 3)}, {"input_size": (40, 24)}, 1, -1),
    "any batch": ({"signature": (-1, 32, 32, 3)}, {}, 1, -1),
    "planes of any size": (
        {"layout": "nchw", "side": 1, "signature": (1, 3, -1, -1)}, {"input_size": (40, 24)}, 1, -1,
    ),
    "normalises itself": ({"gain": 1 / 255}, {}, 1, 0),
    "metadata": (
        {"metadata": tiny_models.metadata(mean=(0.0,), std=(255.0,))}, {}, 1, 0,
    ),
    "more axes": ({"scores_shape": (1, 1, 1, 3)}, {}, 1, -1),
}  # fmt: skip


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier_of_any_kind_names_the_colour_it_sees(here, write, labels, name):
    made, flags, high, low = CLASSIFIERS[name]
    hints = Hints(labels=labels, **flags)
    model = recognise(write(tiny_models.classifier(**made), "detect.tflite"), hints)
    assert model.manifest.task == "classification"
    probabilities = softmax([GAIN * high, GAIN * low, GAIN * low])
    for colour in COLOURS_BGR:
        best = run(model, colour).classes[0]
        assert best.label == colour
        assert best.score == pytest.approx(probabilities[0], abs=0.01)


@pytest.mark.parametrize(
    ("resize", "part"), [("centre-crop", 0.875), ("stretch", 1.0), ("letterbox", 1.0)]
)
def test_user_says_how_pictures_are_brought_to_its_shape(here, write, resize, part):
    rule = recognise(write(tiny_models.classifier()), Hints(resize=resize)).manifest.input
    assert (rule.resize, rule.crop_fraction) == (resize, part)


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"layout": "nchw"},
        {"dtype": "int8", "scale": 1 / 128, "zero_point": 0},
        {"dtype": "uint8", "scale": 1 / 128, "zero_point": 128},
    ],
    ids=str,
)
def test_grey_pictures_go_into_a_model_of_one_channel(here, write, tmp_path, made):
    (tmp_path / "labels.txt").write_text("dark\nlight\n")
    hints = Hints(labels=str(tmp_path / "labels.txt"))
    model = recognise(write(tiny_models.grey(**made)), hints)
    assert model.manifest.input.colour == "grey"
    # Luma of ITU-R BT.601: green counts 0.587, blue 0.114; as -1..1 it is 0.17 and -0.77.
    assert run(model, "green").classes[0].label == "light"
    assert run(model, "green").classes[0].score == pytest.approx(1 / (1 + np.exp(-1.74)), abs=0.02)
    assert run(model, "blue").classes[0].label == "dark"


def test_channels_with_normalisation_of_their_own(here, write, labels):
    # int8 of 0.0187 and -14 is what ImageNet's mean and deviation quantise to
    data = tiny_models.classifier(dtype="int8", scale=0.0187, zero_point=-14, logits=True)
    model = recognise(write(data), Hints(labels=labels))
    scores = {item.label: item.score for item in run(model, "red").classes}
    # (255 - 123.675) / 58.395 = 2.25, (0 - 116.28) / 57.12 = -2.04, (0 - 103.53) / 57.375 = -1.80
    expected = softmax(GAIN * np.array([2.249, -2.036, -1.804]))
    assert scores["red"] == pytest.approx(expected[0], abs=0.01)


@pytest.mark.parametrize("declared", [{}, {"shape": (1, 1), "signature": (1, -1)}], ids=str)
def test_output_whose_shape_is_known_late_is_recognised_and_run(here, write, labels, declared):
    model = recognise(write(tiny_models.shape_computed_late(**declared)), Hints(labels=labels))
    assert [run(model, colour).classes[0].label for colour in COLOURS_BGR] == list(COLOURS_BGR)


TF1, TF2 = (0, 1, 2, 3), (2, 0, 3, 1)  # scores, boxes, count, classes


@pytest.mark.parametrize("order", [TF1, TF2])
@pytest.mark.parametrize("known_shapes", [True, False])
def test_detector_of_either_order_finds_the_box_of_the_colour(
    here, write, labels, order, known_shapes
):
    data = tiny_models.ssd(order, known_shapes=known_shapes)
    model = recognise(write(data), Hints(labels=labels))
    assert isinstance(model.manifest.decoder, DetectionsRule)
    for number, colour in enumerate(COLOURS_BGR):
        (found,) = run(model, colour).detections
        assert found.label == colour
        # the logit of the colour's own class is 8 * 1 - 4
        assert found.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)
        centre_y, centre_x, height, width = ANCHORS[number]
        left, top = centre_x - width / 2, centre_y - height / 2
        expected = (left * 64, top * 48, (left + width) * 64, (top + height) * 48)
        assert found.box == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("order", [TF1, TF2, (3, 1, 0, 2)])
def test_detections_by_other_operators_are_told_by_content(here, write, labels, order):
    model = recognise(write(tiny_models.plain_detections(order)), Hints(labels=labels))
    first, second = run(model, "red").detections  # of three rows, two are counted
    assert [(item.label, item.score) for item in (first, second)] == [
        ("blue", 0.875),
        ("red", 0.75),
    ]
    assert first.box == pytest.approx([s * w for s, w in zip(BOXES[0], (64, 48) * 2, strict=True)])


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("probability", [False, True])
@pytest.mark.parametrize(
    "rows", ["background\n" + LABELS, "???\n" + LABELS, "0 background\n1 red\n2 green\n3 blue"]
)
def test_raw_heads_run_with_anchors(here, write, tmp_path, swapped, probability, rows):
    np.save(tmp_path / "anchors.npy", ANCHORS)
    (tmp_path / "labels.txt").write_text(rows)
    # three colours and a background are four classes, as many as a box has sides
    data = tiny_models.raw_ssd(swapped=swapped, probability=probability, classes=4)
    hints = Hints(
        labels=str(tmp_path / "labels.txt"),
        anchors=str(tmp_path / "anchors.npy"),
        outputs=("scores", "boxes") if swapped else ("boxes", "scores"),
    )
    model = recognise(write(data), hints)
    assert model.manifest.decoder.background == 0
    for number, colour in enumerate(COLOURS_BGR):
        (found,) = run(model, colour).detections
        assert found.label == colour
        assert found.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)
        centre_y, centre_x = ANCHORS[number][:2]
        x_min, y_min, x_max, y_max = found.box
        assert ((x_min + x_max) / 2, (y_min + y_max) / 2) == pytest.approx(
            (centre_x * 64, centre_y * 48), abs=0.1
        )


def test_raw_heads_whose_labels_lack_a_row_are_refused_not_shifted(here, write, labels, tmp_path):
    np.save(tmp_path / "anchors.npy", ANCHORS)
    hints = Hints(labels=labels, anchors=str(tmp_path / "anchors.npy"), outputs=("boxes", "scores"))
    with pytest.raises(UsageError, match="has 3 names, the model 4 classes: where the model has"):
        recognise(write(tiny_models.raw_ssd(classes=4)), hints)


def test_raw_heads_without_a_background_report_their_first_class(here, write, labels, tmp_path):
    np.save(tmp_path / "anchors.npy", ANCHORS)
    hints = Hints(labels=labels, anchors=str(tmp_path / "anchors.npy"))
    model = recognise(write(tiny_models.raw_ssd(classes=3)), hints)
    assert model.manifest.decoder.background is None
    assert [d.label for d in run(model, "red").detections] == ["red"]


def test_variant_of_a_bundle_alone_finds_what_the_bundle_finds(here, small_bundle, tmp_path):
    bundle = Bundle(small_bundle)
    hints = Hints(
        labels=str(small_bundle / "labels.txt"), anchors=str(small_bundle / "anchors.npy")
    )
    model = recognise(small_bundle / "int8.tflite", hints)
    assert isinstance(model.manifest.decoder, SsdRule)
    # What it does not say of itself: how its boxes were meant to be told.
    alone = msgspec.structs.replace(bundle.manifest.decoder, box_voting=False)
    assert model.manifest.decoder == alone
    assert model.default_variant == "int8"
    cup = Frame(read_image(small_bundle / "samples" / "cup.jpg"), 0, 0.0)
    found = []
    for source in (bundle, model):
        with Engine(source, threads=1) as engine:
            found.append([(item.label, item.score) for item in engine.run(cup).detections])
    assert found[0] == found[1] != []


# Labels


def test_labels_inside_the_model_are_used(here, tmp_path):
    path = with_files(tmp_path / "m.tflite", {"names.txt": LABELS}, tiny_models.classifier())
    model = recognise(path, Hints(mean=(0,), std=(255,)))
    assert run(model, "green").classes[0].label == "green"
    assert not model.guesses
    assert any("names.txt inside the model" in finding.why for finding in model.explanations)


def test_labels_inside_that_do_not_fit_are_left_out_and_said(here, tmp_path):
    path = with_files(
        tmp_path / "m.tflite", {"names.txt": "a\nb\nc\nd\ne\n"}, tiny_models.classifier()
    )
    model = recognise(path)
    assert run(model, "green").classes[0].label == "class 1"
    assert any("has 5 names, the model 3" in guess for guess in model.guesses)


def test_without_labels_classes_are_numbers_and_the_flag_is_named(here, write):
    model = recognise(write(tiny_models.classifier()))
    assert model.labels == ("class 0", "class 1", "class 2")
    assert run(model, "blue").classes[0].label == "class 2"
    assert any("--labels FILE" in guess for guess in model.guesses)


def test_metadata_that_cannot_be_read_is_a_warning_and_no_more(here, write):
    model = recognise(write(tiny_models.classifier(metadata=b"\xff" * 64)))
    assert any("metadata cannot be read" in warning for warning in model.warnings)
    assert not any("metadata" in guess for guess in model.guesses)
    assert run(model, "red").classes[0].class_id == 0


@pytest.mark.parametrize(
    ("rows", "background"),
    [("background\na\nb\n", 0), ("a\nb\nbackground\n", 2), ("???\na\nb\n", 0), ("a\nb\nc\n", None)],
)
def test_background_of_a_classifier_is_never_reported(here, write, tmp_path, rows, background):
    (tmp_path / "labels.txt").write_text(rows)
    hints = Hints(labels=str(tmp_path / "labels.txt"))
    rule = recognise(write(tiny_models.classifier()), hints).manifest.decoder
    assert isinstance(rule, ClassifierRule)
    assert rule.background == background


@pytest.mark.parametrize("rows", ["a\n", "a\nb\nc\nd\ne\n"])
def test_labels_that_do_not_fit_give_both_counts(here, write, tmp_path, rows):
    (tmp_path / "labels.txt").write_text(rows)
    hints = Hints(labels=str(tmp_path / "labels.txt"))
    with pytest.raises(UsageError, match=f"has {len(rows.split())} names, the model 3 classes"):
        recognise(write(tiny_models.ssd()), hints)


@pytest.mark.parametrize("flag", ["labels", "anchors"])
def test_file_of_a_flag_that_is_not_there_is_wrong_usage_before_anything_is_loaded(
    here, write, tmp_path, monkeypatch, flag
):
    monkeypatch.setattr(module, "examine", None)
    with pytest.raises(UsageError, match=rf"--{flag}.*nowhere.*No such file"):
        recognise(write(tiny_models.classifier()), Hints(**{flag: str(tmp_path / "nowhere")}))


@pytest.mark.parametrize(
    ("notes", "licence"),
    [(None, "licence not stated"), ('{"stride": 32, "names": {0: "a"}, "license": "X"}', "X")],
)
def test_licence_is_the_files_own_or_not_stated(here, tmp_path, notes, licence):
    path = tmp_path / "theirs.tflite"
    data = tiny_models.plain_detections()
    path.write_bytes(data)
    if notes is not None:
        with_files(path, {"metadata.json": notes}, data)
    assert recognise(path).manifest.provenance.licence == licence


# What cannot be recognised

REFUSED = {
    "two inputs": (tiny_models.two_inputs(), r"takes 2 inputs.*'left' float32 \(1, 32, 32, 3\)"),
    "map": (
        tiny_models.segmentation(),
        r"makes pictures.*0 'map' float32 \(1, 32, 32, 3\)",
    ),
    "raw": (tiny_models.raw_ssd(classes=5), r"raw SSD heads of 5 classes.*--anchors FILE\.npy"),
    "pixels": (
        tiny_models.plain_detections(pixels=300),
        r"not detections.*No flag can settle",
    ),
    "grey": (
        tiny_models.Graph().write([], []),
        "takes 0 inputs",
    ),
    "text": (b"not a model at all", "no TFLite model"),
    "half": (tiny_models.ssd()[:1000], "damaged or incomplete"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_recognised_is_refused_with_its_tensors(here, write, name):
    data, said = REFUSED[name]
    path = write(data)
    with pytest.raises(ModelError, match=said) as caught:
        recognise(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_model_is_said_to_be_missing(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.tflite: No such file"):
        recognise(tmp_path / "nowhere.tflite")


# The process that asks


@needs_tflite_runtime
def test_first_load_happens_in_a_child(write, labels):
    model = recognise(write(tiny_models.ssd(TF2)), Hints(labels=labels), "tflite-runtime")
    variant = model.variant(model.default_variant)
    assert list(variant.checks) == ["tflite-runtime"]
    assert variant.checks["tflite-runtime"].ok
    assert run(model, "red").detections[0].label == "red"


def test_every_interpreter_here_is_tried_when_asked(write, monkeypatch):
    # The first two: TensorFlow takes five seconds to start, where it is not the second.
    installed = dict(list(installed_interpreters().items())[:2])
    monkeypatch.setattr(module, "installed_interpreters", lambda: installed)
    model = recognise(write(tiny_models.classifier()), every_interpreter=True)
    checks = model.variant("float32").checks
    assert list(checks) == list(installed)
    assert all(check.ok and check.version for check in checks.values())


@needs_tflite_runtime
def test_model_that_no_interpreter_runs_gives_each_ones_reason(write):
    unknown = tiny_models.ssd().replace(
        b"TFLite_Detection_PostProcess\0", b"TFLite_Detection_PostProcesX\0"
    )
    with pytest.raises(
        ModelError, match=r"runs in no interpreter here \(tflite-runtime .* refuses"
    ):
        recognise(write(unknown), interpreter="tflite-runtime")


def test_model_that_changes_after_the_first_look_is_not_loaded(here, write):
    path = write(tiny_models.classifier())
    model = recognise(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BundleError, match="is damaged"):
        Engine(model)


def test_manifest_could_be_written(here, write):
    manifest = recognise(write(tiny_models.ssd())).manifest
    written = parse_manifest(format_manifest(manifest))
    assert msgspec.structs.replace(written, format=manifest.format) == manifest
    assert recognise(write(tiny_models.ssd())).manifest == manifest, "it differs from time to time"


def test_bare_model_on_32_bits_is_sent_to_a_laptop(tmp_path, monkeypatch):
    monkeypatch.setattr(module.sys, "maxsize", 2**31 - 1)
    monkeypatch.setattr(module, "installed_interpreters", lambda: {"tflite-runtime": "2.14.0"})
    (tmp_path / "cats.tflite").write_bytes(b"")
    with pytest.raises(ModelError, match=r"no wheel for 32 bits.*convert build cats\.tflite"):
        recognise(tmp_path / "cats.tflite")
