from __future__ import annotations

import json

import pytest

from convert.cli import main
from convert.evaluation.review import read_review
from convert.report.page import report
from device.bundle.bundle import Bundle
from device.images import list_images, read_image
from device.inference.engine import Engine
from device.records import Frame
from tests.convert.build.conftest import CLASSIFIER_SIZE

# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


def test_command_says_what_it_does_and_what_came_of_it(classified):
    for said in (
        "labels      a folder per class",
        "images      32 train, 8 validation, 8 test (as given)",
        "start       COCO, the detector's own backbone",
        "epoch 2 ",
        "is whole, and detect can run it",
        "mean recall in float32",
    ):
        assert said in classified.said


def test_trained_bundle_tells_the_classes_apart(classified):
    bundle = Bundle(classified.bundle)
    bundle.verify()
    paths = list_images(classified.dataset / "test")
    with Engine(bundle, "int8", threads=1, threshold=0.0) as engine:
        found = [engine.run(Frame(read_image(path), 0, 0.0)).classes[0].label for path in paths]
    assert sum(label == path.parent.name for label, path in zip(found, paths, strict=True)) >= 7


def test_trained_bundle_says_what_it_is(classified):
    manifest = Bundle(classified.bundle).manifest
    assert manifest.task == "classification"
    assert set(manifest.variants) == {"float32", "float16", "dynamic", "int8"}
    assert manifest.class_thresholds.keys() == {"disc", "square"}
    assert manifest.input.width == CLASSIFIER_SIZE
    assert "64 steps from COCO" in manifest.provenance.source


def test_bundle_is_reviewed_and_its_report_shows_it(classified, tmp_path):
    review = read_review(classified.bundle)
    assert (review.split, review.images) == ("test", 8)
    assert [item.boxes for item in review.classes] == [4, 4]
    assert review.score >= 0.875
    page = report(classified.bundle, tmp_path / "report.html").read_text("utf-8")
    assert 'id="training"' in page
    assert "Image</th>" in page


def test_bundle_is_evaluated_on_folders_of_its_classes(classified, capsys):
    test = str(classified.dataset / "test")
    command = ["evaluate", str(classified.bundle), "--images", test, "--annotations", test]
    assert main([*command, "--variants", "float32"]) == 0
    assert "top-1" in capsys.readouterr().out
    figures = json.loads((classified.bundle / "accuracy.json").read_text())
    score = read_review(classified.bundle).score
    assert figures["variants"]["float32"]["top1"] == pytest.approx(score, abs=1e-4)
