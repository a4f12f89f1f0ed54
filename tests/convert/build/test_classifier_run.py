from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convert.build.classifier_run import ClassifierRun
from convert.build.train_options import TrainOptions
from convert.build.training_run import prepare_tensorflow
from convert.errors import WeightsError
from convert.evaluation.review import read_review
from convert.training.checkpoint import load_checkpoint
from convert.training.classifier_network import ClassifierStart
from convert.training.dataset import read_dataset
from convert.training.interrupt import Interrupt
from tests.convert.build.conftest import CLASSIFIER_SIZE


def run_of(dataset, folder, said=None, **options) -> ClassifierRun:
    """A run in ``folder`` of one epoch, where nothing else is said."""
    wanted = {"size": CLASSIFIER_SIZE, "epochs": 1} | options
    hear = (lambda _: None) if said is None else said.append
    return ClassifierRun(dataset, TrainOptions(folder, folder / "x", **wanted), hear)


def test_input_is_that_of_the_published_weights_unless_told(dataset, tmp_path):
    said: list[str] = []
    assert run_of(dataset, tmp_path, said, size=None).size == 224
    assert said == ["input       224x224, the whole image"]


def test_images_that_are_watched_are_of_every_class(dataset, tmp_path):
    many = dataclasses.replace(dataset, validation=dataset.validation * 40)
    watched = run_of(many, tmp_path).watched
    assert len(watched.images) == 128
    assert np.bincount(watched.truth).tolist() == [64, 64]


def test_weights_that_cannot_be_fetched_are_told_and_the_detectors_taken(
    dataset, tmp_path, monkeypatch
):
    def unreachable(_):
        raise WeightsError("ImageNet's weights could not be had (no network)")

    said: list[str] = []
    run = run_of(dataset, tmp_path, said)
    taken = ClassifierStart("COCO", {})
    monkeypatch.setattr("convert.models.imagenet_backbone.imagenet_backbone", unreachable)
    monkeypatch.setattr(run, "_detector_backbone", lambda _: taken)
    assert run.start() is taken
    assert "(no network); the detector's own backbone" in said[-1]


def test_weights_that_were_asked_for_are_not_replaced(dataset, tmp_path):
    run = run_of(dataset, tmp_path, weights=tmp_path / "gone.h5")
    with pytest.raises(WeightsError, match="no such file"):
        run.start()


@pytest.mark.long
def test_same_seed_gives_the_same_network_whole_or_taken_up_again(classified, tmp_path):
    """Killed after its first epoch and resumed: the bits of the run that nothing cut off."""
    whole = load_checkpoint(classified.bundle.with_name("shapes.training"))
    options = {"epochs": 2, "weights": classified.weights}
    dataset = read_dataset(classified.dataset, 0, lambda _: None)
    prepare_tensorflow(0)
    run = run_of(dataset, tmp_path, **options)

    class KilledError(Exception):
        pass

    def kill(line: str) -> None:
        if line.startswith("epoch 1 "):
            raise KilledError

    run.say = kill
    with pytest.raises(KilledError):
        run.train(run.trainer(), Interrupt())
    again = run_of(dataset, tmp_path, **options, resume=True)
    trainer = again.trainer()
    again.train(trainer, Interrupt())
    checkpoint, arrays = load_checkpoint(again.options.work)
    assert checkpoint.step == whole[0].step
    assert arrays.keys() == whole[1].keys()
    different = [name for name in arrays if (arrays[name] != whole[1][name]).any()]
    assert different == []


@pytest.mark.long
def test_training_goes_on_from_the_bundle(classified, tmp_path):
    dataset = read_dataset(classified.dataset, 0, lambda _: None)
    run = run_of(dataset, tmp_path, start_from=classified.bundle, size=None)
    assert run.size == CLASSIFIER_SIZE
    before = run.test(run.trainer())
    assert before == pytest.approx(read_review(classified.bundle).score, abs=1e-4)
