from __future__ import annotations

import signal

import pytest

from convert.build.detector_run import DetectorRun
from convert.build.train_options import TrainOptions
from convert.errors import DatasetError
from convert.training.interrupt import Interrupt
from convert.training.state import RunState

SIZE = 128


def test_one_image_is_too_few(dataset, tmp_path):
    single = type(dataset)(dataset.classes, dataset.train[:1], dataset.validation, (), "detection")
    with pytest.raises(DatasetError, match="images to train on: 1, "):
        DetectorRun(single, TrainOptions(tmp_path, tmp_path / "x"), lambda _: None)


def test_interrupt_while_training_ends_it_and_keeps_the_best_so_far(dataset, tmp_path):
    class Interrupted:
        """Stands in for a trainer, and is interrupted in its second step."""

        def __init__(self) -> None:
            self.state = RunState()
            self.events: list[str] = []

        def run(self, batches, epoch_steps, budget, validate, validated, after_epoch, stop) -> None:
            while not stop():
                self.events.append("step")
                if len(self.events) == 2:
                    signal.raise_signal(signal.SIGINT)

        def use_best(self) -> None:
            self.events.append("best")

    run = DetectorRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=SIZE), lambda _: None)
    trainer = Interrupted()
    run.train(trainer, Interrupt(say=lambda _: None))
    assert trainer.events == ["step", "step", "best"]
