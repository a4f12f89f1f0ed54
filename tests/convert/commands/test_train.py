from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from convert.cli import main
from convert.commands.train import change_line
from tests.conftest import ROOT
from tests.convert.training.shapes import draw_class_folders, draw_dataset
from tests.convert.training.test_dataset import write_voc


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "60"], "expected 64 to 640"),
        (["--from", "a", "--weights", "b"], "leave one out"),
        (["--resume"], "no run to go on with"),
        (["--unlabelled", "a"], "needs --teacher"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(arguments, said, tmp_path, capsys, monkeypatch):
    dataset = draw_dataset(tmp_path / "shapes")
    monkeypatch.setattr("convert.training.dataset.read_dataset", lambda *_: dataset)
    code = main(["train", str(tmp_path), "--out", str(tmp_path / "out"), *arguments])
    assert code in (1, 2)
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("task", "arguments", "said"),
    [
        ("classification", ["--base", "ssdlite_mobilenet_v2"], "a folder per class: --base mobile"),
        ("detection", ["--base", "mobilenet_v2"], "has boxes: --base ssdlite_mobilenet_v2"),
        ("classification", ["--teacher", "a"], "--teacher is for labels with boxes"),
        ("classification", ["--size", "60"], "expected 64 to 640"),
    ],
)
def test_base_and_labels_must_fit(task, arguments, said, tmp_path, capsys, monkeypatch):
    dataset = dataclasses.replace(draw_dataset(tmp_path / "shapes"), task=task)
    monkeypatch.setattr("convert.training.dataset.read_dataset", lambda *_: dataset)
    code = main(["train", str(tmp_path), "--out", str(tmp_path / "out"), *arguments])
    assert code in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--size", "big"], ["--minutes", "0"], ["--epochs", "0"]])
def test_flag_that_is_no_number_is_wrong_usage(arguments, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["train", str(tmp_path), *arguments])
    assert caught.value.code == 2


def test_minutes_and_epochs_exclude_each_other(tmp_path):
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path), "--minutes", "5", "--epochs", "3"])


CHECKS = """
import sys
from pathlib import Path
from convert.build.classifier_run import ClassifierRun
from convert.build.detector_run import DetectorRun
from convert.build.train_options import TrainOptions
from convert.cli import main
from convert.training.dataset import read_dataset
root = Path(sys.argv[1])
boxes, classes = (read_dataset(root / name, 0, print) for name in ("boxes", "classes"))
DetectorRun(boxes, TrainOptions(root / "boxes", root / "x"), print)
ClassifierRun(classes, TrainOptions(root / "classes", root / "x"), print)
code = main(["train", str(root / "none"), "--out", str(root / "x")])
print(code, "tensorflow" in sys.modules)
"""


def test_labels_are_checked_and_a_run_prepared_before_tensorflow_is_imported(tmp_path):
    draw_class_folders(tmp_path / "classes", train=6, others=2)
    write_voc(tmp_path / "boxes", 12)
    (tmp_path / "none").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHECKS, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1].split() == ["1", "False"], done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (0.5, 0.62, "0.500 mAP with the network it started from: 0.120 better now"),
        (0.5, 0.5004, "the same now"),
        (0.5, 0.4, "0.100 worse now; its bundle is where it was"),
    ],
)
def test_change_of_the_old_test_is_told(before, now, said):
    assert said in change_line(before, now, "mAP")


def test_tensorboard_that_is_not_installed_is_said_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["train", str(tmp_path), "--tensorboard", str(tmp_path / "curves")]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err
