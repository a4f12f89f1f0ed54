"""A detector and a classifier that are trained on drawn shapes, once for all tests."""

from __future__ import annotations

import pytest

from tests.convert.training.shapes import draw_dataset

TRAINED_SIZE = 128
CLASSIFIER_SIZE = 96


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    return draw_dataset(tmp_path_factory.mktemp("shapes"), train=32, others=8)


@pytest.fixture(scope="session")
def trained(dataset, tmp_path_factory, weights_dir):
    """The folder of a bundle, and all that was said while it was made."""
    from convert.build.detector_result import DetectorResult
    from convert.build.detector_run import DetectorRun
    from convert.build.train_options import TrainOptions
    from convert.build.training_run import prepare_tensorflow
    from convert.training.interrupt import Interrupt

    out = tmp_path_factory.mktemp("trained") / "shapes"
    said: list[str] = []
    options = TrainOptions(out.parent, out, size=TRAINED_SIZE, epochs=2, weights=weights_dir)
    prepare_tensorflow(0)
    run = DetectorRun(dataset, options, said.append)
    trainer = run.trainer()
    run.train(trainer, Interrupt())
    out.mkdir()
    result = DetectorResult(run, trainer)
    made = result.build(out)
    result.review(out, made.thresholds)
    return out, said, run


@pytest.fixture(scope="session")
def classified(dataset, tmp_path_factory, weights_dir):
    """The folder of a classifier's bundle, all that was said, its run and its review."""
    from convert.build.classifier_result import ClassifierResult
    from convert.build.classifier_run import ClassifierRun
    from convert.build.train_options import TrainOptions
    from convert.build.training_run import prepare_tensorflow
    from convert.training.interrupt import Interrupt

    out = tmp_path_factory.mktemp("classified") / "shapes"
    said: list[str] = []
    options = TrainOptions(out.parent, out, size=CLASSIFIER_SIZE, epochs=2, weights=weights_dir)
    prepare_tensorflow(0)
    run = ClassifierRun(dataset, options, said.append)
    trainer = run.trainer()
    run.train(trainer, Interrupt())
    out.mkdir()
    result = ClassifierResult(run, trainer)
    made = result.build(out)
    return out, said, run, result.review(out, made.thresholds)
