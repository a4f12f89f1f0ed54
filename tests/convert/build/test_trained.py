from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.build.trained import (
    SAMPLES,
    TrainedDetector,
    _readable,
    _write_samples,
    choose_samples,
    decoder_rule,
    input_rule,
    rounded_thresholds,
    spread,
)
from convert.calibration.images import CalibrationInputs
from convert.evaluation.validation import DEFAULT_THRESHOLD
from convert.models.anchors import AnchorLayout
from convert.training.dataset import TrainingImage
from device.images import read_image


def image(name: str | Path, *class_ids: int) -> TrainingImage:
    """A labelled image of these classes."""
    count = len(class_ids)
    return TrainingImage(
        Path(name),
        np.tile(np.float32([0, 0, 20, 20]), (count, 1)),
        np.array(class_ids, np.int32),
        np.zeros(count, np.bool_),
        64,
        48,
    )


@pytest.fixture
def detector():
    return TrainedDetector(
        name="mine",
        classes=("cat", "dog"),
        layout=AnchorLayout(96, 1.5),
        weights=(),
        class_thresholds={"cat": 0.30004, "dog": 0.5},
        source="pictures/",
    )


def test_network_is_what_was_trained(detector):
    network = detector.network()
    assert (network.name, network.labels) == ("mine", ("cat", "dog"))
    assert network.title == "SSDLite MobileNetV2 trained on cat, dog"
    assert network.input == input_rule(96)
    assert network.decoder == decoder_rule()
    assert network.decoder.box_voting
    assert network.logits
    np.testing.assert_array_equal(network.anchors, AnchorLayout(96, 1.5).anchors())


def test_thresholds_are_rounded_and_their_mean_holds_for_what_has_none(detector):
    network = detector.network()
    assert network.class_thresholds == {"cat": 0.3, "dog": 0.5}
    assert network.threshold == 0.4


def test_pixels_become_minus_one_to_one():
    assert input_rule(192).value_range == (-1.0, 1.0)
    assert input_rule(192).size_wh == (192, 192)


def test_samples_show_as_many_classes_as_few_images_can():
    images = [image("a", 0), image("b", 0), image("c", 1, 2), image("d", 3), image("e", 0, 1)]
    chosen = [str(item.path) for item in choose_samples(images, 4)]
    assert chosen[:3] == ["c", "a", "d"]
    assert len(chosen) == SAMPLES


def test_samples_are_at_most_what_there_is():
    assert choose_samples([], 2) == []
    assert len(choose_samples([image("a", 0)], 2)) == 1


def test_images_are_taken_evenly_over_the_whole():
    images = [image(str(number), 0) for number in range(9)]
    assert [str(item.path) for item in spread(images, 3)] == ["0", "4", "8"]
    assert spread(images[:2], 3) == images[:2]


def test_sample_that_vanished_is_left_out(tmp_path):
    cv2.imwrite(str(tmp_path / "there.png"), np.full((48, 64, 3), 90, np.uint8))
    shown = [image(tmp_path / "gone.png", 0, 1), image(tmp_path / "there.png", 0)]
    (sample,) = _write_samples(tmp_path, shown, 2)
    assert (sample.file, sample.title) == ("samples/00.jpg", "there")
    assert read_image(tmp_path / sample.file).shape == (48, 64, 3)


def test_calibration_image_that_vanished_is_left_out(tmp_path):
    cv2.imwrite(str(tmp_path / "there.png"), np.full((48, 64, 3), 90, np.uint8))
    images = [image(tmp_path / name, 0) for name in ("gone.png", "there.png")]
    assert _readable(images, CalibrationInputs(input_rule(96), "image")) == [tmp_path / "there.png"]


def test_threshold_for_what_has_none_is_the_mean_of_those_there_are():
    assert rounded_thresholds({"a": 0.25, "b": 0.75004}) == ({"a": 0.25, "b": 0.75}, 0.5)
    with warnings.catch_warnings(action="error"):  # a mean of nothing was told to the user
        assert rounded_thresholds({}) == ({}, DEFAULT_THRESHOLD)
