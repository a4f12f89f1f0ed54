"""A detector and a classifier that are trained on drawn shapes, once for all tests."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.convert.training.shapes import draw_class_folders, draw_dataset

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


@dataclass(frozen=True)
class Classified:
    """A classifier that the command trained on drawn shapes, in folders of their classes."""

    dataset: Path
    bundle: Path
    weights: Path
    said: str


@pytest.fixture(scope="session")
def classified(tmp_path_factory, weights_dir) -> Classified:
    from convert.cli import main

    folder = tmp_path_factory.mktemp("classified")
    shapes = draw_class_folders(folder / "shapes", train=32, others=8)
    heard, bundle = io.StringIO(), folder / "build" / "shapes"
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(heard):
        where = ["--out", str(bundle), "--weights", str(weights_dir)]
        how = ["--base", "mobilenet_v2", "--size", str(CLASSIFIER_SIZE), "--epochs", "2"]
        code = main(["train", str(shapes), *where, *how])
    assert code == 0, heard.getvalue()
    return Classified(shapes, bundle, weights_dir, heard.getvalue())
