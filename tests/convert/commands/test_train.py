from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from convert.cli import main
from convert.commands.train import change_line
from tests.conftest import ROOT
from tests.convert.training.shapes import draw_dataset


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "80"], "expected 96 to 640"),
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
        ("classification", ["--size", "80"], "expected 96 to 640"),
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


def test_bad_dataset_ends_before_tensorflow_is_imported(tmp_path):
    code = (
        "import sys; from convert.cli import main; "
        f"code = main(['train', {str(tmp_path)!r}, '--out', {str(tmp_path / 'out')!r}]); "
        "print(code, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["1", "False"]
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
