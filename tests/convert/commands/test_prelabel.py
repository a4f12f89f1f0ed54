from __future__ import annotations

import contextlib

import pytest

from convert.cli import main
from convert.training import prelabel as module
from convert.training.prelabel import PrelabelResult
from device.inference import engine


@pytest.fixture
def asked(monkeypatch):
    """What labelling was asked for; no engine is opened, and no picture read."""
    asked = {}

    def open_engine(bundle, *, threshold):
        asked["threshold"] = threshold
        return contextlib.nullcontext()

    def prelabel(_engine, folder, kind, classes):
        asked.update(folder=folder.name, kind=kind, classes=list(classes))
        return PrelabelResult(labelled_before=2, unreadable=["a", "b", "c", "d", "e"])

    monkeypatch.setattr(engine, "Engine", open_engine)
    monkeypatch.setattr(module, "prelabel", prelabel)
    return asked


@pytest.mark.parametrize("threshold", ["0", "1", "-0.2", "nan", "much"])
def test_threshold_outside_of_0_and_1_is_wrong_usage(threshold, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["prelabel", "pictures", "--bundle", "bundle", "--threshold", threshold])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: argument --threshold")


def test_classifier_is_refused(built, tmp_path, capsys):
    assert main(["prelabel", str(tmp_path), "--bundle", str(built / "bundle")]) == 2
    assert "is a classifier, which finds no boxes to label" in capsys.readouterr().err


def test_bundle_must_be_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["prelabel", "pictures"])
    assert ended.value.code == 2
    assert "--bundle" in capsys.readouterr().err


def test_flags_reach_the_labelling_and_what_cannot_be_read_is_named_up_to_three(
    bundle_dir, tmp_path, asked, capsys
):
    flags = ("--threshold", "0.4", "--classes", "dog,cat", "--format", "yolo")
    folder = str(tmp_path / "mine")
    assert main(["prelabel", folder, "--bundle", str(bundle_dir), *flags]) == 0
    assert asked == {
        "threshold": 0.4,
        "folder": "mine",
        "kind": "yolo",
        "classes": ["dog", "cat"],
    }
    assert capsys.readouterr().err.splitlines() == [
        "0 boxes on 0 pictures, as yolo: correct them before training",
        "2 pictures have labels already, and keep them",
        "warning: passed over: a",
        "warning: passed over: b",
        "warning: passed over: c",
        "warning: passed over: 2 more that cannot be read",
    ]


def test_all_classes_with_a_name_are_labelled_where_none_are_chosen(bundle_dir, tmp_path, asked):
    assert main(["prelabel", str(tmp_path), "--bundle", str(bundle_dir)]) == 0
    assert len(asked["classes"]) == 80
    assert (asked["kind"], asked["threshold"]) == ("voc", None)
