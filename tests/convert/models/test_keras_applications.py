"""Classifiers of Keras Applications and of the user, converted for real (random weights)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convert.errors import ConversionError
from convert.models.keras_applications import ClassifierOptions, mobilenet_v2_network
from convert.models.user_classifier import user_classifier
from device.bundle.bundle import Bundle
from device.errors import UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from device.runtimes import installed_interpreters
from tests.conftest import ROOT, run_module

SMALL = ("--alpha", "0.35", "--size", "96")

MODELS = """
import sys
from pathlib import Path
import keras
from convert.models.keras_applications import _enliven

folder = Path(sys.argv[1])
keras.utils.set_random_seed(1)
model = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=3)
_enliven(model, 96)
model.save(folder / "plain.keras")
model.save(folder / "plain.h5")
model.save_weights(folder / "three.weights.h5")

# Keras 2 wrote the same file, but for a setting of every depthwise layer that Keras 3 refuses.
import json, shutil
import h5py
shutil.copy(folder / "plain.h5", folder / "keras2.h5")
with h5py.File(folder / "keras2.h5", "r+") as file:
    config = json.loads(file.attrs["model_config"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "DepthwiseConv2D":
            layer["config"]["groups"] = 1
            for name in ("module", "registered_name"):
                layer.pop(name, None)
    file.attrs["model_config"] = json.dumps(config)
model.export(folder / "saved", verbose=False)
inputs = keras.Input((96, 96, 3))
scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
keras.Model(inputs, model(scaled)).save(folder / "scaling.keras")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of small models of three classes, as users have them."""
    folder = tmp_path_factory.mktemp("models")
    done = subprocess.run(
        [sys.executable, "-c", MODELS, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (folder / "labels.txt").write_text("0 cat\r\n1 dog\r\n2 other\r\n")
    (folder / "broken.keras").write_bytes(b"no zip file")
    return folder


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mobilenet") / "mobilenet_v2"
    done = run_module(
        "convert", "build", "mobilenet_v2", "--weights", "random", *SMALL, "--out", str(folder)
    )
    assert done.returncode == 0, done.stderr
    return folder


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


@pytest.mark.parametrize("name", ["plain.keras", "plain.h5", "keras2.h5", "saved"])
def test_own_model_is_converted_with_own_labels(models, tmp_path, name):
    done = run_module(
        "convert",
        "build",
        str(models / name),
        "--labels",
        str(models / "labels.txt"),
        "--mean",
        "127.5",
        "--std",
        "127.5",
        "--variants",
        "float16",
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    bundle = Bundle(tmp_path / "out")
    assert bundle.labels == ("cat", "dog", "other")
    assert bundle.manifest.decoder.score == "logit"  # its softmax is left to the device
    assert bundle.manifest.input.width == 96


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


def options(models, **given):
    return ClassifierOptions(labels=models / "labels.txt", **given)


def test_model_that_scales_its_pixels_itself_needs_no_mean(models):
    network = user_classifier(models / "scaling.keras", options(models))
    assert (network.input.mean, network.input.std) == (0.0, 1.0)


def test_model_that_does_not_is_asked_for_it(models):
    with pytest.raises(UsageError, match=r"--mean 127\.5 --std 127\.5"):
        user_classifier(models / "plain.keras", options(models))


def test_labels_are_asked_for_where_nothing_says_them(models):
    with pytest.raises(UsageError, match="3 classes: name them with --labels"):
        user_classifier(models / "plain.keras", ClassifierOptions(mean=0, std=1))


def test_labels_of_another_model_say_both_counts(models, tmp_path):
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    with pytest.raises(UsageError, match=r"has 5 names, the model 3 classes"):
        user_classifier(
            models / "plain.keras",
            ClassifierOptions(labels=tmp_path / "five.txt", mean=0, std=1),
        )


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("broken.keras", "cannot be read by Keras"), ("gone.h5", "no such model")],
)
def test_file_that_is_no_model_is_refused(models, name, complaint):
    with pytest.raises(ConversionError, match=complaint):
        user_classifier(models / name, options(models))


def test_folder_that_is_no_saved_model_is_refused(models, tmp_path):
    with pytest.raises(ConversionError, match="no SavedModel"):
        user_classifier(tmp_path, options(models))
