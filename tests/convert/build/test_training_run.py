"""From drawn shapes to a bundle that finds them: the whole road, in a minute or two."""

from __future__ import annotations

import json
import signal

import pytest

from convert.build.training_run import (
    WEIGHTS,
    TrainingRun,
    TrainOptions,
    prepare_tensorflow,
)
from convert.errors import DatasetError
from convert.evaluation.review import read_review
from convert.report.page import report
from convert.training.interrupt import Interrupt
from convert.training.state import RunState
from device.bundle.bundle import Bundle
from device.images import read_image
from device.inference.boxes import iou
from device.inference.engine import Engine
from device.records import Frame
from tests.convert.training.shapes import draw_dataset

SIZE = 128
# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return draw_dataset(tmp_path_factory.mktemp("shapes"), train=32, others=8)


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory, weights_dir):
    """The folder of a bundle, and all that was said while it was made."""
    out = tmp_path_factory.mktemp("trained") / "shapes"
    said: list[str] = []
    options = TrainOptions(out.parent, out, size=SIZE, epochs=2, weights=weights_dir)
    prepare_tensorflow(0)
    run = TrainingRun(dataset, options, said.append)
    trainer = run.trainer()
    run.train(trainer, Interrupt())
    out.mkdir()
    made = run.build(trainer, out)
    run.review(trainer, out, made.thresholds)
    return out, said, run


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
    assert manifest.format == 3
    assert manifest.input.width == SIZE
    assert [sample.source for sample in manifest.samples] == [
        str(image.path)
        for image in dataset.test
        if str(image.path) in {sample.source for sample in manifest.samples}
    ]
    assert set(manifest.provenance.calibration) == {str(image.path) for image in dataset.train}


def test_weights_and_log_lie_beside_it_and_do_not_travel(trained):
    folder = trained[0]
    beside = {WEIGHTS, "training.jsonl", "training.json"}
    assert not beside & Bundle(folder).manifest.files.keys()
    lines = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[-1]["class_loss"] < lines[0]["class_loss"]


def test_bundle_is_reviewed_on_the_test_images_and_its_report_shows_it(trained, dataset):
    folder = trained[0]
    review = read_review(folder)
    assert (review.split, review.images) == ("test", len(dataset.test))
    assert [item.boxes for item in review.classes] == [4, 4]
    assert [item.train_boxes for item in review.classes] == [16, 16]
    path = report(folder, folder.parent / "report.html")
    assert 'id="training"' in path.read_text("utf-8")


def test_each_epoch_is_told_with_the_time_left(trained):
    epochs = [line for line in trained[1] if line.startswith("epoch")]
    assert len(epochs) == 2
    assert "left: loss" in epochs[0]
    assert "best" in epochs[0]


def test_training_goes_on_from_the_bundle(trained, dataset, tmp_path):
    options = TrainOptions(tmp_path, tmp_path / "next", size=SIZE, epochs=1, start_from=trained[0])
    run = TrainingRun(dataset, options, lambda _: None)
    before = run.test(run.trainer())
    assert before is not None
    assert before.map_50 > 0.5


def test_one_image_is_too_few(dataset, tmp_path):
    single = type(dataset)(dataset.classes, dataset.train[:1], dataset.validation, (), "detection")
    with pytest.raises(DatasetError, match="images to train on: 1, "):
        TrainingRun(single, TrainOptions(tmp_path, tmp_path / "x"), lambda _: None)


def test_interrupt_while_training_ends_it_and_keeps_the_best_so_far(dataset, tmp_path):
    class Interrupted:
        """Stands in for a trainer, and is interrupted in its second step."""

        def __init__(self) -> None:
            self.state = RunState()
            self.events: list[str] = []

        def run(self, batches, epoch_steps, budget, validate, after_epoch, stop) -> None:
            while not stop():
                self.events.append("step")
                if len(self.events) == 2:
                    signal.raise_signal(signal.SIGINT)

        def use_best(self) -> None:
            self.events.append("best")

    run = TrainingRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=SIZE), lambda _: None)
    trainer = Interrupted()
    run.train(trainer, Interrupt(say=lambda _: None))
    assert trainer.events == ["step", "step", "best"]
