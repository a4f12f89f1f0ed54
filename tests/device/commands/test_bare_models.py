"""`detect` and `info` on a bare .tflite, as users type them; the real models too."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.images import read_image
from device.inference.engine import Engine
from device.inspection import recognition as recognise_module
from device.inspection.recognition import recognise
from device.records import Frame
from device.runtimes import installed_interpreters
from tests.conftest import ROOT
from tests.device.commands.conftest import log_of
from tests.helpers import tiny_models

INSTALLED = installed_interpreters()


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch):
    """TensorFlow takes seconds to start, and shows nothing here that the others do not."""
    installed = {name: version for name, version in INSTALLED.items() if name != "tensorflow"}
    monkeypatch.setattr(recognise_module, "installed_interpreters", lambda: installed)


def test_detector_of_ones_own_just_runs(device, write, red, labels, tmp_path):
    model = write(tiny_models.ssd((2, 0, 3, 1)))
    log = tmp_path / "log.jsonl"
    ran = device("detect", model, "--labels", labels, "--source", red, "--log", log)
    assert ran.code == 0, ran.err
    (found,) = log_of(log)["detections"]
    assert (found["label"], found["class_id"]) == ("red", 0)
    assert ran.err.startswith("reading detect.tflite in a process of its own\n")
    assert "detect float32 in litert" in ran.err
    assert "warning: GUESSED that its pixels must be -1..1" in ran.err


def test_classifier_called_detect_classifies(device, write, red, labels, tmp_path):
    model = write(tiny_models.classifier(dtype="uint8", scale=1 / 255))
    log, output = tmp_path / "log.jsonl", tmp_path / "annotated"
    ran = device(
        "detect", model, "--labels", labels, "--source", red, "--log", log, "--output", output
    )
    assert ran.code == 0, ran.err
    assert log_of(log)["classes"][0]["label"] == "red"
    assert "warning" not in ran.err
    assert (output / "red.png").exists() or list(output.iterdir())


def test_info_says_what_was_understood_and_why(device, write, labels):
    ran = device("info", write(tiny_models.ssd((2, 0, 3, 1))), "--labels", labels)
    assert ran.code == 0, ran.err
    assert (
        ran.err == "reading detect.tflite in every interpreter here, each in a process of its own\n"
    )
    for part in (
        "detection, 3 classes",
        "32x32 RGB, float32, nhwc",
        "(byte - 127.5) / 127.5",
        "Not sure: GUESSED",
        "boxes    1 float32 (1, 5, 4)",
        "TFLite_Detection_PostProcess",
        f"3 names\n          (--labels {labels})",
        "FULLY_CONNECTED v1",
        "litert 2.3.0: runs it",
        *(["tflite-runtime 2.14.0: runs it"] if "tflite-runtime" in INSTALLED else []),
    ):
        assert part in ran.out, ran.out


@pytest.mark.parametrize("command", [["info"], ["detect", "--source", "demo"]])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (tiny_models.segmentation(), "'map' float32 (1, 32, 32, 3)"),
        (tiny_models.two_inputs(), "'left' float32 (1, 32, 32, 3); 'right'"),
        (tiny_models.raw_ssd(classes=5), "--anchors FILE.npy"),
        (tiny_models.ssd()[:900], "damaged or incomplete"),
        (b"hello", "no TFLite model"),
    ],
    ids=["map", "two inputs", "raw", "damaged", "text"],
)
def test_what_cannot_run_is_one_line_and_exit_code_1(device, write, command, data, said):
    ran = device(command[0], write(data), *command[1:])
    assert ran.code == 1
    assert said in ran.error
    assert ran.out == ""


@pytest.mark.parametrize("name", ["map", "two"])
def test_refusal_offers_no_flag_where_none_can_settle_it(device, write, name):
    data = {"map": tiny_models.segmentation(), "two": tiny_models.two_inputs()}[name]
    error = device("info", write(data)).error
    for flag in ("--task", "--outputs", "--mean", "--std"):
        assert flag not in error


def test_bare_model_has_no_pictures_for_the_demo(device, write):
    ran = device("detect", write(tiny_models.ssd()), "--source", "demo")
    assert ran.code == 1
    assert "no sample pictures" in ran.error


@pytest.mark.parametrize("seed", range(4))
def test_damage_never_kills_the_process_that_asked(write, red, seed):
    """Cuts and flipped bytes: it is refused in a line, or runs with other answers."""
    random = np.random.default_rng(seed)
    whole = tiny_models.ssd()
    data = np.frombuffer(whole, np.uint8).copy()
    places = random.integers(8, len(data), (1, 4, 16, 64)[seed])
    data[places] = random.integers(0, 256, len(places))
    model = write(data[: random.integers(len(data) // 2, len(data) + 1)].tobytes())
    done = subprocess.run(
        [sys.executable, "-m", "device", "detect", str(model), "--source", str(red)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), f"{signal.Signals(-done.returncode).name}: {done.stderr}"
    assert "Traceback" not in done.stderr
    assert ("error: " in done.stderr) is (done.returncode == 1)


def found_on(model, *images: Path) -> list:
    with Engine(model, threads=1) as engine:
        return [engine.run(Frame(read_image(path), 0, 0.0)) for path in images]


def test_quantised_ssd_finds_what_the_samples_show(shared_data, small_bundle):
    models = shared_data / "models"
    hints = Hints(labels=str(models / "coco_ssd_mobilenet_v1_quant.txt"))
    model = recognise(models / "coco_ssd_mobilenet_v1_quant.tflite", hints)
    assert len(model.labels) == 90
    assert model.guesses == ()
    names = ("person", "cat", "motorcycle", "cup")
    results = found_on(model, *(small_bundle / "samples" / f"{name}.jpg" for name in names))
    for name, result in zip(names, results, strict=True):
        assert result.detections[0].label == name
    # where the bundle's own test has the cup
    assert results[3].detections[0].box == pytest.approx((173.8, 21.6, 415.3, 247.4), abs=70)


@pytest.mark.parametrize(
    "name", ["coral_mobilenet_v2_1.0_224_quant", "coral_tf2_mobilenet_v2_1.0_224_ptq"]
)
def test_imagenet_classifiers_are_right_about_most_photographs(shared_data, name):
    model = recognise(shared_data / "models" / f"{name}.tflite")
    assert (len(model.labels), model.manifest.decoder.background) == (1001, 0)
    table = (shared_data / "imagenet200" / "labels.tsv").read_text()
    rows = [line.split("\t") for line in table.splitlines()]
    wanted = {row[0]: int(row[1]) for row in rows if row[1].isdigit()}
    images = [shared_data / "imagenet200" / file for file in wanted]
    results = found_on(model, *images)
    right = Counter(
        bool(result.classes) and result.classes[0].class_id - 1 == index
        for result, index in zip(results, wanted.values(), strict=True)
    )
    assert right[True] >= 160, right  # of 200; training pictures, so no claim of accuracy


def test_bird_classifier_names_birds(shared_data):
    model = recognise(shared_data / "models" / "coral_mobilenet_v2_inat_bird_quant.tflite")
    folder = shared_data / "imagenet200"
    expected = {
        "015_n01558993.jpg": "American Robin",
        "020_n01601694.jpg": "American Dipper",
        "130_n02007558.jpg": "American Flamingo",
    }
    results = found_on(model, *(folder / file for file in expected))
    for result, name in zip(results, expected.values(), strict=True):
        assert name in result.classes[0].label


def test_tiny_int8_classifier_sees_a_person(shared_data, small_bundle, tmp_path):
    (tmp_path / "labels.txt").write_text("nobody\nperson\n")
    hints = Hints(labels=str(tmp_path / "labels.txt"))
    model = recognise(shared_data / "models" / "mlperf_tiny_vww_96_int8.tflite", hints)
    samples = small_bundle / "samples"
    person, cup = found_on(model, samples / "person.jpg", samples / "cup.jpg")
    assert (person.classes[0].label, cup.classes[0].label) == ("person", "nobody")
