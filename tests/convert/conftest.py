from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.calibration.images import CalibrationInputs, calibration_images
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from tests.convert.training.shapes import draw_dataset

if TYPE_CHECKING:
    from convert.quantization.candidates import CandidateMaker

TRAINED_SIZE = 128


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The published weights, from the cache or their real source."""
    return weights_folder(SSDLITE_MOBILENET_V2)[0]


@pytest.fixture(scope="session")
def photographs() -> NDArray[np.float32]:
    """Eight of those that `build` calibrates with, as the detector takes them."""
    images = calibration_images(None, 8, 0, pytest.fail)
    generate = CalibrationInputs(SSDLITE_MOBILENET_V2.input, "image").dataset(images)
    return np.concatenate([item["image"] for item in generate()])


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
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny bundle, and pictures to tune it on."""
    from tests.helpers.tiny_bundle import write_bundle, write_images

    folder = tmp_path_factory.mktemp("tune")
    write_images(folder / "pictures")
    write_bundle(folder / "bundle", folder / "pictures")
    return folder


@pytest.fixture(scope="session")
def maker(built: Path) -> CandidateMaker:
    """What makes candidates of the tiny bundle."""
    from convert.quantization.candidates import CandidateMaker
    from tests.helpers.tiny_bundle import RULE, pixels

    inputs = pixels(built / "pictures")[:4]
    float32 = (built / "bundle" / "float32.tflite").read_bytes()
    return CandidateMaker(float32, inputs, RULE.value_range)


@pytest.fixture
def bundle(bundle_dir: Path, tmp_path: Path) -> Path:
    """A copy of the real bundle, without what others may have left in it."""
    folder = shutil.copytree(bundle_dir, tmp_path / "bundle")
    for name in ("accuracy.json", "report.html"):
        (folder / name).unlink(missing_ok=True)
    return folder


@pytest.fixture
def tiny_bundle(built: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, to be changed."""
    return shutil.copytree(built / "bundle", tmp_path / "bundle")


@pytest.fixture
def no_measured_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are ranked by what is in them, which is the same at each run."""
    from tests.helpers.tuning import CountedCost

    monkeypatch.setattr("convert.tuning.tuner.invoke_cost", CountedCost)


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A minute goes by whenever the clock is read: the first batch is all there is time for."""
    clock = SimpleNamespace(monotonic=itertools.count(step=60).__next__)
    monkeypatch.setattr("convert.tuning.search.time", clock)
    monkeypatch.setattr("convert.tuning.half_search.time", clock)
    monkeypatch.setattr("convert.tuning.tuner.time", clock)
    return ("--minutes", "1")
