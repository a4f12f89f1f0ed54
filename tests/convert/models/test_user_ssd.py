"""SSD heads of the user's, from the file to what the device finds.

The models have 20 anchors and answer what was planted in their biases: an object of class 2 at
anchor 7, and background at anchor 11. Only the first number of each output depends on the
picture.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.models.keras_applications import ClassifierOptions
from convert.models.user_ssd import (
    BoxEncoding,
    SsdOptions,
    count_classes,
    pair_heads,
    read_anchors,
    user_ssd,
)
from device.bundle.bundle import Bundle
from device.errors import UsageError
from tests.conftest import ROOT, run_module

MODELS = """
import sys
from pathlib import Path
import keras
import numpy as np
from keras import layers

folder = Path(sys.argv[1])
ANCHORS, CLASSES = 20, 3

def planted(name, rows, shape):
    kernel = np.zeros((3, rows.size), np.float32)
    kernel[:, 0] = 4.0
    dense = layers.Dense(rows.size, name=name + "_flat")
    answer = layers.Reshape(shape, name=name)(dense(pooled))
    dense.set_weights([kernel, rows.ravel()])
    return answer

image = keras.Input((64, 64, 3))
pooled = layers.GlobalAveragePooling2D()(image)
scores = np.full((ANCHORS, CLASSES), -6, np.float32)
scores[7, 2], scores[11, 0] = 3, 5
# The box of anchor 7: moved right by a fifth of its width, and twice as high.
yxhw = np.zeros((ANCHORS, 4), np.float32)
yxhw[7] = 0, 2, 5 * np.log(2), 0
boxes = planted("boxes", yxhw, (ANCHORS, 4))
logits = planted("logits", scores, (ANCHORS, CLASSES))
joined = keras.Model(image, [boxes, logits])
joined.save(folder / "joined.keras")
joined.save(folder / "joined.h5")
# The same in two feature maps of 2x2 cells with 3 and with 2 anchors each, as xywh, exported
# with the coarse map first.
xywh = yxhw[:, [1, 0, 3, 2]]
maps = {
    "a_locations": planted("a_locations", xywh[12:], (2, 2, 8)),
    "b_locations": planted("b_locations", xywh[:12], (2, 2, 12)),
    "a_classes": planted("a_classes", scores[12:], (2, 2, 6)),
    "b_classes": planted("b_classes", scores[:12], (2, 2, 9)),
}
keras.Model(image, maps).export(folder / "maps", verbose=False)
"""

ANCHORS = np.tile(np.float32([[0.5, 0.5, 0.2, 0.1]]), (20, 1))
ANCHORS[7] = 0.4, 0.5, 0.2, 0.5
SAID = ("--mean", "127.5", "--std", "127.5", "--background", "0")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ssd")
    done = subprocess.run(
        [sys.executable, "-c", MODELS, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    np.save(folder / "anchors.npy", ANCHORS)
    (folder / "labels.txt").write_text("person\ncat\n")
    return folder


def options(models, **given):
    said = {"labels": models / "labels.txt", "mean": 0.0, "std": 1.0, "background": 0}
    return ClassifierOptions(**(said | given))


def ssd(models, **given):
    said = {"encoding": "yxhw:10,10,5,5", "activation": "sigmoid"}
    return SsdOptions(models / "anchors.npy", **(said | given))


def build(models, name, out, *flags):
    done = run_module(
        "convert", "build", str(models / name), "--labels", str(models / "labels.txt"),
        "--anchors", str(models / "anchors.npy"), *SAID, *flags, "--out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Bundle(out)


def detect(bundle, tmp_path, variant):
    log = tmp_path / f"{variant}.jsonl"
    image = bundle.folder / "samples" / "cat.jpg"
    done = run_module(
        "device", "detect", str(bundle.folder), "--variant", variant, "--source", str(image),
        "--log", str(log),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = log.read_text().splitlines()
    return json.loads(line)["detections"]


# Anchor 7, in the sample's pixels (451 x 300): centre (0.5 + 2/10 * 0.5, 0.4), 0.5 wide, 0.4 high.
EXPECTED = [0.35 * 451, 0.2 * 300, 0.85 * 451, 0.6 * 300]


@pytest.mark.long
def test_joined_heads_become_a_bundle_in_which_the_device_finds_what_was_planted(models, tmp_path):
    flags = ("--box-encoding", "yxhw:10,10,5,5", "--scores", "sigmoid", "--variants", "int8")
    bundle = build(models, "joined.keras", tmp_path / "out", *flags)
    assert bundle.manifest.task == "detection"
    assert bundle.labels == ("background", "person", "cat")
    assert np.array_equal(bundle.anchors, ANCHORS)
    rule = bundle.manifest.decoder
    assert (rule.box_scales, rule.background, rule.score) == ((10, 10, 5, 5), 0, "logit")
    assert rule.box_voting
    for variant, tolerance in (("float32", 0.1), ("int8", 3)):
        (found,) = detect(bundle, tmp_path, variant)
        assert (found["label"], found["class_id"]) == ("cat", 2)
        assert found["score"] == pytest.approx(1 / (1 + np.exp(-3)), abs=0.01)
        assert found["box"] == pytest.approx(EXPECTED, abs=tolerance)


@pytest.mark.long
def test_heads_of_feature_maps_are_joined_in_the_order_said(models, tmp_path):
    bundle = build(
        models, "maps", tmp_path / "out", "--box-encoding", "xywh:10,10,5,5", "--scores", "softmax",
        "--heads", "b_locations:b_classes, a_locations:a_classes", "--variants", "float32",
    )  # fmt: skip
    heads = bundle.manifest.variants["float32"].heads
    assert [(head.first_anchor, head.anchors) for head in heads] == [(0, 12), (12, 8)]
    assert bundle.manifest.decoder.score == "probability"
    (found,) = detect(bundle, tmp_path, "float32")
    assert found["label"] == "cat"
    assert found["score"] == pytest.approx(np.exp(9) / (np.exp(9) + 2), abs=1e-3)
    assert found["box"] == pytest.approx(EXPECTED, abs=0.1)


def test_legacy_keras_file_is_read_too(models):
    network = user_ssd(models / "joined.h5", options(models), ssd(models))
    assert network.task == "detection"
    assert network.anchors.shape == (20, 4)


def test_what_the_model_does_not_say_is_asked_for_at_once(models):
    bare = SsdOptions(models / "anchors.npy")
    with pytest.raises(UsageError) as caught:
        user_ssd(models / "joined.keras", options(models, background=None), bare)
    for flag in ("--box-encoding", "--scores", "--background"):
        assert flag in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said", "complaint"),
    [
        ({"labels": None}, {}, "3 classes: name them with --labels"),
        ({"background": 3}, {}, "--background 3: the model has classes 0 to 2"),
        ({"std": None}, {}, "give both"),
        ({"mean": None, "std": None}, {}, "does not say what its pixels must be"),
        ({}, {"activation": "none"}, "-6 to .* in logits, which are no probabilities"),
        ({}, {"encoding": "yxhw:10,10,5"}, "four numbers above 0"),
        ({}, {"encoding": "xyxy:1,1,1,1"}, "expected yxhw or xywh"),
        ({}, {"heads": "boxes:scores"}, "no output scores; it has boxes"),
        ({}, {"heads": "boxes"}, "expected BOXES:SCORES"),
        ({}, {"heads": "logits:boxes"}, "no boxes of 4 numbers"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(models, given, said, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        user_ssd(models / "joined.keras", options(models, **given), ssd(models, **said))
    assert "\n" not in str(caught.value)


def test_labels_that_do_not_fit_are_told_with_both_counts(models, tmp_path):
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    with pytest.raises(UsageError, match="has 5 names, the model 3 classes"):
        user_ssd(
            models / "joined.keras", options(models, labels=tmp_path / "five.txt"), ssd(models)
        )


def test_heads_without_anchors_are_told_how(models):
    done = run_module("convert", "build", str(models / "joined.keras"), "--out", "/tmp/never")
    assert done.returncode == 1
    assert "for the raw heads of an SSD give --anchors" in done.stderr


def test_flags_of_an_ssd_say_nothing_of_a_classifier(models):
    done = run_module("convert", "build", str(models / "joined.keras"), "--scores", "sigmoid")
    assert done.returncode == 2
    assert "--scores says nothing of" in done.stderr


def test_heads_that_fit_in_two_ways_are_asked_for(models):
    shapes = {"first": (1, 20, 4), "second": (1, 20, 4)}
    with pytest.raises(UsageError, match=r"first \(1, 20, 4\), second .* with --heads"):
        pair_heads(models, shapes, 20, None)
    assert pair_heads(models, shapes, 20, "second:first") == [("second", "first")]


def test_heads_of_unequal_classes_are_refused(models):
    shapes = {"b0": (1, 8), "s0": (1, 6), "b1": (1, 4), "s1": (1, 2)}
    with pytest.raises(UsageError, match=r"heads of \[2, 3\] classes"):
        count_classes(models, shapes, [("b0", "s0"), ("b1", "s1")], 3)


def test_heads_of_other_anchors_are_told_with_both_counts(models):
    shapes = {"b": (1, 20, 4), "s": (1, 20, 3)}
    with pytest.raises(UsageError, match="has boxes for 20 anchors, the file given has 19"):
        count_classes(models, shapes, [("b", "s")], 19)


def test_boxes_that_are_no_boxes_are_refused(models):
    with pytest.raises(UsageError, match="no boxes of 4 numbers"):
        count_classes(models, {"b": (1, 7), "s": (1, 6)}, [("b", "s")], 1)


def test_encoding_is_reordered_as_the_device_wants_it():
    assert BoxEncoding.parse("xywh:1,2,3,4").yxhw == (2, 1, 4, 3)
    assert BoxEncoding.parse("yxhw:1,2,3,4").yxhw == (1, 2, 3, 4)


CORNERS = np.float32([[0.1 * n, 0.1 * n, 0.1 * n + 0.3, 0.1 * n + 0.2] for n in range(20)])


@pytest.mark.parametrize(
    ("anchors", "complaint"),
    [
        (np.zeros((20, 5)), r"expected \(anchors, 4\), found \(20, 5\)"),
        (np.zeros((0, 4)), "expected numbers"),
        (np.full((20, 4), "a"), "expected numbers"),
        (np.where(ANCHORS == 0.4, np.nan, ANCHORS), "NaN"),
        (ANCHORS * 300, "divide pixels"),
        (ANCHORS * [1, 1, 0, 1], "row 0 has no height"),
        (CORNERS, "corners"),
    ],
)
def test_anchors_that_cannot_be_meant_are_refused(tmp_path, anchors, complaint):
    np.save(tmp_path / "anchors.npy", anchors)
    with pytest.raises(UsageError, match=complaint):
        read_anchors(tmp_path / "anchors.npy")


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_file_that_holds_no_anchors_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "anchors.npy").write_bytes(content)
    with pytest.raises(UsageError, match=r"--anchors .*anchors\.npy: "):
        read_anchors(tmp_path / "anchors.npy")


def test_model_that_is_gone_is_told(models):
    with pytest.raises(ConversionError, match="no such model"):
        user_ssd(models / "gone.keras", options(models), ssd(models))
