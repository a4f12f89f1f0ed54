"""From drawn shapes to a bundle that finds them: the whole road, in a minute or two."""

from __future__ import annotations

import pytest

from convert.build.detector_result import DetectorResult
from convert.build.detector_run import DetectorRun
from convert.build.train_options import TrainOptions
from convert.evaluation.review import read_review
from convert.report.page import report
from convert.training.interrupt import Interrupt
from device.bundle.bundle import Bundle
from device.bundle.manifest import FORMAT
from device.images import read_image
from device.inference.boxes import iou
from device.inference.engine import Engine
from device.records import Frame
from tests.convert.conftest import TRAINED_SIZE

# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


def test_trained_bundle_finds_the_shapes(trained, dataset):
    bundle = Bundle(trained[0])
    bundle.verify()
    right = 0
    with Engine(bundle, "int8", threads=1) as engine:
        for number, image in enumerate(dataset.test):
            found = engine.run(Frame(read_image(image.path), number, 0.0)).detections
            right += any(
                item.class_id == image.class_ids[0]
                and iou(item.box, tuple(image.boxes[0].tolist())) > 0.5
                for item in found
            )
    assert right >= 6  # of 8


def test_trained_bundle_says_what_it_is(trained, dataset):
    manifest = Bundle(trained[0]).manifest
    assert set(manifest.variants) == {"float32", "float16", "dynamic", "int8"}
    assert manifest.class_thresholds.keys() == set(dataset.classes)
    assert manifest.format == FORMAT  # thresholds per class, and boxes that are voted on
    recipe = manifest.variants["int8"].recipe
    assert (recipe["ranges"], recipe["rounding"]) == ("widest", "second-order")
    assert manifest.input.width == TRAINED_SIZE
    assert [sample.source for sample in manifest.samples] == [
        str(image.path)
        for image in dataset.test
        if str(image.path) in {sample.source for sample in manifest.samples}
    ]
    assert set(manifest.provenance.calibration) == {str(image.path) for image in dataset.train}


def test_bundle_is_reviewed_on_the_test_images_and_its_report_shows_it(trained, dataset):
    folder = trained[0]
    review = read_review(folder)
    assert (review.split, review.images) == ("test", len(dataset.test))
    assert [item.boxes for item in review.classes] == [4, 4]
    assert [item.train_boxes for item in review.classes] == [16, 16]
    path = report(folder, folder.parent / "report.html")
    assert 'id="training"' in path.read_text("utf-8")


def test_teacher_and_rounding_are_told_beside_what_they_gave(trained, dataset, tmp_path):
    more = next(image.path.parent for image in dataset.train)
    options = TrainOptions(
        tmp_path,
        tmp_path / "small",
        96,
        epochs=1,
        rounded=True,
        teacher=trained[0],
        unlabelled=more,
    )
    said: list[str] = []
    run = DetectorRun(dataset, options, said.append)
    trainer = run.trainer()
    run.train(trainer, Interrupt())
    assert trainer.state.rounded
    options.out.mkdir()
    result = DetectorResult(run, trainer)
    made = result.build(options.out, hurried=True)
    assert made.manifest.variants["int8"].recipe["trained"] == "rounded"
    review = result.review(options.out, made.thresholds)
    assert [item.name for item in review.gains] == [
        "the teacher, shapes",
        "before it was rounded",
        "this network",
    ]
    assert review.gains[0].float32 > 0.5
    assert 'id="gains"' in report(options.out, tmp_path / "report.html").read_text("utf-8")
