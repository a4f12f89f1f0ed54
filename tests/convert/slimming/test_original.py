from __future__ import annotations

import shutil

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.slimming.original import open_bundle, read_original, trained_on
from convert.training.checkpoint import Checkpoint, save_checkpoint
from convert.training.state import RunState
from convert.training.trainable_bundle import refuse_foreign
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle
from tests.helpers.tiny_bundle import write_bundle, write_images


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    write_images(folder / "images")
    write_bundle(folder / "own", folder / "images")
    return folder / "own"


def test_network_that_is_not_known_layer_by_layer_is_refused(foreign):
    with pytest.raises(WeightsError, match="python -m convert train"):
        refuse_foreign(Bundle(foreign), "slim")


def test_default_bundle_has_the_published_weights_of_its_classes(bundle_dir, weights_dir):
    original = read_original(Bundle(bundle_dir), weights_dir)
    assert (original.size, len(original.labels)) == (300, 80)
    kernel, bias = original.weights["BoxPredictor_1.ClassPredictor"]
    assert kernel.shape == (1, 1, 1280, 6 * 80)
    assert np.abs(bias).max() > 0


def test_folder_of_a_run_stands_for_its_bundle(foreign):
    run = foreign.with_name("own.training")
    run.mkdir(exist_ok=True)
    assert open_bundle(run).folder == foreign
    assert open_bundle(foreign).folder == foreign


def test_run_says_what_its_bundle_was_trained_on(foreign, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(foreign, folder)
    bundle = Bundle(folder)
    assert trained_on(bundle) is None
    dataset = tmp_path / "pictures"
    run = tmp_path / "own.training"
    run.mkdir()
    save_checkpoint(run, Checkpoint.of({"dataset": str(dataset)}, RunState()), {})
    assert trained_on(bundle) is None  # it is gone
    dataset.mkdir()
    assert trained_on(bundle) == dataset


def test_weights_beside_a_bundle_that_are_none_are_said(foreign, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(foreign, folder)
    (folder / WEIGHTS).write_bytes(b"PK\x03\x04")
    with pytest.raises(WeightsError):
        read_original(Bundle(folder))
