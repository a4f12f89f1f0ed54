from __future__ import annotations

import os
from itertools import chain

import pytest

from device.bundle.hints import Hints
from device.cli import make_parser
from device.commands.model_flags import hints_of, is_bare_model, open_bundle
from tests.device.commands.conftest import log_of
from tests.helpers import tiny_models


def test_flags_reach_the_model(device, write, red, labels, tmp_path):
    model = write(tiny_models.classifier(side=1, signature=(1, -1, -1, 3)))
    log = tmp_path / "log.jsonl"
    ran = device(
        "detect", model, "--labels", labels, "--source", red, "--log", log, "--threshold", 0.9,
        "--mean", "0", "--std", "255,255,255", "--input-size", "40x24", "--classes", "red",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "warning" not in ran.err
    assert log_of(log)["classes"][0]["score"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "flags",
    [
        ("--labels", "nowhere.txt"),
        ("--outputs", "boxes,scores"),
        ("--mean", "1"),
        ("--mean", "1,2", "--std", "1"),
        ("--mean", "nan", "--std", "1"),
        ("--mean", "0", "--std", "0"),
        ("--input-size", "99x99"),
        ("--input-size", "big"),
        ("--task", "segmentation"),
        ("--anchors", "nowhere.npy"),
    ],
    ids=" ".join,
)
def test_flags_that_cannot_be_meant_are_wrong_usage(device, write, flags):
    ran = device("info", write(tiny_models.ssd()), *flags)
    assert ran.code == 2
    assert any(flag in ran.error for flag in flags[::2])


def test_flags_of_a_bare_model_beside_a_bundle_are_wrong_usage(device, small_bundle):
    ran = device("info", small_bundle, "--input-size", "9x9", "--labels", "x")
    assert ran.code == 2
    assert "--input-size, --labels: for a bare .tflite" in ran.error.replace(
        "--labels, --input-size", "--input-size, --labels"
    )


def test_name_of_a_library_that_is_too_long_is_wrong_usage(device, write):
    ran = device("detect", write(tiny_models.ssd()), "--source", "demo", "--delegate", "a" * 300)
    assert ran.code == 2
    assert "File name too long" in ran.err


def test_flags_become_hints():
    said = {
        "--task": "detection",
        "--outputs": "boxes,none,scores",
        "--boxes": "xyxy",
        "--resize": "stretch",
        "--mean": "1,2,3",
        "--std": "4",
        "--input-size": "8x6",
        "--labels": "l",
        "--anchors": "a",
    }
    args = make_parser().parse_args(["info", "m.tflite", *chain(*said.items())])
    assert hints_of(args) == Hints(
        task="detection",
        outputs=("boxes", "none", "scores"),
        boxes="xyxy",
        resize="stretch",
        mean=(1.0, 2.0, 3.0),
        std=(4.0,),
        input_size=(8, 6),
        labels="l",
        anchors="a",
    )


def test_bare_model_is_told_from_a_bundle(tmp_path, small_bundle, write):
    renamed = write(tiny_models.classifier(), "model")  # by its mark
    assert is_bare_model(renamed)
    assert is_bare_model(tmp_path / "nowhere.tflite")  # by its name
    assert not is_bare_model(small_bundle)
    (tmp_path / "folder.tflite").mkdir()
    assert not is_bare_model(tmp_path / "folder.tflite")
    assert open_bundle(small_bundle, Hints()).manifest.task == "detection"


@pytest.mark.parametrize("flag", [("--mean", "1e30"), ("--std", "1e-30"), ("--std", "1e30")])
def test_mean_and_deviation_that_no_pixels_have_are_wrong_usage(device, write, flag):
    ran = device("info", write(tiny_models.classifier()), "--mean", "0", "--std", "1", *flag)
    assert ran.code == 2
    assert flag[1] in ran.err


@pytest.mark.parametrize("kind", ["model", "labels"])
def test_pipe_is_refused_at_once(device, write, tmp_path, kind):
    os.mkfifo(tmp_path / "pipe.tflite")
    if kind == "model":
        ran = device("info", tmp_path / "pipe.tflite")
    else:
        labels = tmp_path / "pipe.tflite"
        ran = device("info", write(tiny_models.classifier()), "--labels", labels)
    assert "no regular file" in ran.error
