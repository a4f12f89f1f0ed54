from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from convert.cli import make_parser
from convert.commands.network_flags import open_network
from device.errors import ModelError, UsageError


def parsed(*words: str) -> argparse.Namespace:
    return make_parser().parse_args(["build", *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--alpha", "0.5"], "--alpha says nothing of ssdlite_mobilenet_v2"),
        (["--mean", "0"], "--mean says nothing of ssdlite_mobilenet_v2"),
        (["--heads", "a:b"], "--heads says nothing of ssdlite_mobilenet_v2"),
        (["mobilenet_v2", "--std", "1"], "--std says nothing of mobilenet_v2"),
        (["mobilenet_v2", "--classes", "cat"], "--classes says nothing of mobilenet_v2"),
        (["mine.keras", "--mean", "1,2,3", "--std", "1"], "--mean and --std: one number each"),
        (["mine.keras", "--alpha", "1"], r"--alpha says nothing of mine\.keras"),
        (["mine.keras", "--scores", "none"], r"--scores says nothing of mine\.keras"),
        (["mine.keras", "--classes", "cat"], r"--classes says nothing of mine\.keras"),
        (["--weights", "random"], "--weights random: for ssdlite_mobilenet_v2 give a folder"),
        (["yolo"], "no model 'yolo' in the zoo"),
    ],
)
def test_flags_and_names_that_cannot_be_meant_are_wrong_usage(words, said):
    with pytest.raises(UsageError, match=said):
        open_network(parsed(*words))


def test_model_of_another_framework_is_told_what_it_is(tmp_path):
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError):
        open_network(parsed(str(tmp_path / "net.pt")))


@pytest.fixture
def opened(monkeypatch):
    """What kind of network is made of the flags; none is."""
    opened = {}
    for module, name in (
        ("zoo_network", "ssdlite_network"),
        ("keras_applications", "mobilenet_v2_network"),
        ("user_classifier", "user_classifier"),
        ("user_ssd", "user_ssd"),
    ):
        monkeypatch.setattr(
            f"convert.models.{module}.{name}",
            lambda *given, name=name: opened.update({name: given}),
        )
    return opened


def test_zoo_model_takes_a_folder_of_weights_and_classes(opened):
    open_network(parsed("--weights", "w", "--classes", "dog,cat"))
    (_, folder, classes) = opened["ssdlite_network"]
    assert (folder, classes) == (Path("w"), ["dog", "cat"])


def test_mobilenet_takes_published_random_or_own_weights(opened):
    for words, weights in (
        ((), "imagenet"),
        (("--weights", "random"), "random"),
        (("--weights", "mine.h5"), Path("mine.h5")),
    ):
        open_network(parsed("mobilenet_v2", *words, "--alpha", "0.35", "--background", "none"))
        (options,) = opened["mobilenet_v2_network"]
        assert (options.weights, options.alpha, options.background) == (weights, 0.35, "none")


def test_anchors_make_a_detector_of_a_model_of_ones_own(opened):
    own = ("--mean", "127.5", "--std", "127.5")
    open_network(parsed("mine.keras", *own))
    assert "user_ssd" not in opened
    ssd_flags = ("--anchors", "a.npy", "--scores", "sigmoid", "--box-encoding", "yxhw:1,1,1,1")
    open_network(parsed("mine.keras", *own, *ssd_flags, "--background", "0"))
    path, options, ssd = opened["user_ssd"]
    assert path == Path("mine.keras")
    assert (options.mean, options.std, options.background) == (127.5, 127.5, 0)
    assert (ssd.anchors, ssd.activation) == (Path("a.npy"), "sigmoid")
