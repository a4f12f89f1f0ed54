from __future__ import annotations

import pytest

from convert.models.keras_applications import ClassifierOptions
from convert.models.user_classifier import user_classifier
from device.bundle.bundle import Bundle
from device.errors import UsageError
from tests.conftest import run_module
from tests.helpers.keras_models import options


@pytest.mark.long
def test_own_model_is_converted_with_own_labels(models, tmp_path):
    done = run_module(
        "convert",
        "build",
        str(models / "plain.keras"),
        "--labels",
        str(models / "labels.txt"),
        "--mean",
        "127.5",
        "--std",
        "127.5",
        "--variants",
        "float16",
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    bundle = Bundle(tmp_path / "out")
    assert bundle.labels == ("cat", "dog", "other")
    assert bundle.manifest.decoder.score == "logit"  # its softmax is left to the device
    assert bundle.manifest.input.width == 96


def test_model_that_scales_its_pixels_itself_needs_no_mean(models):
    network = user_classifier(models / "scaling.keras", options(models))
    assert (network.input.mean, network.input.std) == (0.0, 1.0)


def test_model_that_does_not_is_asked_for_it(models):
    with pytest.raises(UsageError, match=r"--mean 127\.5 --std 127\.5"):
        user_classifier(models / "plain.keras", options(models))


def test_labels_are_asked_for_where_nothing_says_them(models):
    with pytest.raises(UsageError, match="3 classes: name them with --labels"):
        user_classifier(models / "plain.keras", ClassifierOptions(mean=0, std=1))


def test_labels_of_another_model_say_both_counts(models, tmp_path):
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    with pytest.raises(UsageError, match=r"has 5 names, the model 3 classes"):
        user_classifier(
            models / "plain.keras",
            ClassifierOptions(labels=tmp_path / "five.txt", mean=0, std=1),
        )
