"""From drawn shapes to a bundle that finds them: the whole road, in a minute or two."""

from __future__ import annotations

import dataclasses
import signal

import pytest

from convert.build.train_options import TrainOptions
from convert.build.training_run import TrainingRun
from convert.errors import DatasetError, WeightsError
from convert.training.interrupt import Interrupt
from convert.training.state import RunState

SIZE = 128
# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


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


def test_teacher_that_lacks_a_class_is_refused(trained, dataset, tmp_path):
    others = dataclasses.replace(dataset, classes=("disc", "star"))
    options = TrainOptions(tmp_path, tmp_path / "x", size=SIZE, teacher=trained[0])
    with pytest.raises(WeightsError, match="does not know star"):
        TrainingRun(others, options, lambda _: None)
