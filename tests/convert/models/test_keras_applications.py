"""Classifiers of Keras Applications and of the user, converted for real (random weights)."""

from __future__ import annotations

import pytest

from convert.models.keras_applications import ClassifierOptions, mobilenet_v2_network
from device.bundle.bundle import Bundle
from device.errors import UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from device.runtimes import installed_interpreters
from tests.conftest import run_module
from tests.helpers.keras_models import SMALL

pytestmark = pytest.mark.long


def test_mobilenet_bundle_records_how_pictures_are_prepared(mobilenet):
    manifest = Bundle(mobilenet).manifest
    assert manifest.task == "classification"
    rule = manifest.input
    assert (rule.width, rule.height, rule.mean, rule.std) == (96, 96, 127.5, 127.5)
    assert (rule.resize, rule.crop_fraction) == ("centre-crop", 0.875)


def test_mobilenet_bundle_has_imagenets_labels(mobilenet):
    labels = Bundle(mobilenet).labels
    assert len(labels) == 1000
    assert labels[281].startswith("tabby")


def test_dynamic_classifier_says_what_the_old_runtime_lacks(mobilenet):
    checks = Bundle(mobilenet).manifest.variants["dynamic"].checks
    assert checks["litert"].ok
    if "tflite-runtime" in installed_interpreters():
        assert not checks["tflite-runtime"].ok
        assert "needs FULLY_CONNECTED version 12: install ai-edge-litert" in (
            checks["tflite-runtime"].reason
        )


def test_device_classifies_with_the_bundle(mobilenet, tmp_path):
    log = tmp_path / "log.jsonl"
    done = run_module(
        "device",
        "detect",
        str(mobilenet),
        "--source",
        str(mobilenet / "samples"),
        "--threshold",
        "0.001",
        "--log",
        str(log),
        "--output",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    assert len(lines) == len(list((tmp_path / "out").iterdir())) == 4
    assert '"classes":[{"label":' in lines[0]
    assert '"detections"' not in lines[0]


def test_int8_gives_five_classes_a_score(mobilenet):
    bundle = Bundle(mobilenet)
    with Engine(bundle, "int8", threshold=0.0) as engine:
        for sample in bundle.manifest.samples:
            frame = Frame(read_image(mobilenet / sample.file), 0, 0.0)
            scores = [item.score for item in engine.run(frame).classes]
            assert len(scores) == 5
            assert scores[4] > 0  # an 8-bit softmax has steps of 1/256, and zeros below


def test_without_network_or_weights_the_error_says_the_way_out(tmp_path):
    done = run_module(
        "convert",
        "build",
        "mobilenet_v2",
        *SMALL,
        "--out",
        str(tmp_path / "out"),
        env={
            "PATH": "/usr/bin",
            "HOME": str(tmp_path),
            "KERAS_HOME": str(tmp_path),
            "https_proxy": "http://127.0.0.1:9",
        },
    )
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "--weights FILE" in error
    assert "--weights random" in error


def test_imagenet_weights_of_an_unpublished_width_are_refused_at_once():
    with pytest.raises(UsageError, match=r"0\.35, 0\.5"):
        mobilenet_v2_network(ClassifierOptions(alpha=0.6))


def test_own_weights_fit_a_mobilenet_and_half_arithmetic_can_be_turned_off(models, tmp_path):
    done = run_module(
        "convert", "build", "mobilenet_v2", *SMALL, "--weights", str(models / "three.weights.h5"),
        "--labels", str(models / "labels.txt"), "--variants", "float16", "--no-half-arithmetic",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    recipe = Bundle(tmp_path / "out").manifest.variants["float16"].recipe
    assert recipe == {"precision": "float16", "half_arithmetic": False}
    assert b"fp16accfp16" not in (tmp_path / "out" / "float16.tflite").read_bytes()


def test_own_weights_of_another_width_are_refused(models, tmp_path):
    done = run_module(
        "convert",
        "build",
        "mobilenet_v2",
        "--alpha",
        "0.5",
        "--size",
        "96",
        "--weights",
        str(models / "three.weights.h5"),
        "--labels",
        str(models / "labels.txt"),
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 1
    assert "do not fit" in done.stderr
    assert not list(tmp_path.iterdir())
