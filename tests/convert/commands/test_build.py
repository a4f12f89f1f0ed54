from __future__ import annotations

import argparse

import pytest

from convert.cli import make_parser
from convert.commands.build import run_build
from convert.errors import CalibrationError
from device.commands.model_flags import add_model_flags
from device.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    return make_parser().parse_args(["build", *words])


def test_build_has_every_flag_that_a_refusal_of_a_finished_file_may_name():
    info = argparse.ArgumentParser()
    add_model_flags(info)
    known = parsed("m.tflite")
    for action in info._actions[1:]:
        assert action.dest in known, action.option_strings


@pytest.mark.parametrize("flag", [("--mean", "1e30"), ("--mean", "nan"), ("--std", "0")])
def test_pixels_that_no_picture_has_are_wrong_usage(flag, capsys):
    with pytest.raises(SystemExit):
        parsed("m.tflite", *flag)
    assert flag[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--task", "detection"], "--task says nothing of"),
        (["--boxes", "xyxy"], "--boxes says nothing of"),
        (["--input-size", "8x8"], "--input-size says nothing of"),
        (["--resize", "stretch"], "--resize says nothing of"),
        (["net.tflite", "--alpha", "1"], r"--alpha says nothing of net\.tflite"),
        (["net.tflite", "--calibration", "x"], r"--calibration says nothing of net\.tflite"),
        (["--integer-outputs", "--variants", "float16"], "--integer-outputs is about int8"),
        (["--int4", "--variants", "float16"], "--int4 is about int8"),
        (["--weight-clusters", "8", "--variants", "float32"], "--weight-clusters is about int8"),
        (["net.tflite", "--int4"], r"--int4 says nothing of net\.tflite"),
        (["--variants", "int4"], "int4"),
    ],
)
def test_wrong_usage_leaves_nothing_behind(words, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        run_build(parsed(*words, "--out", str(tmp_path / "out"), "--debug"))
    assert list(tmp_path.iterdir()) == []


def test_calibration_folder_that_is_missing_is_told_before_weights_are_fetched(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("convert.commands.build.open_network", lambda _: pytest.fail("fetched"))
    with pytest.raises(CalibrationError, match="no such folder"):
        run_build(parsed("--calibration", str(tmp_path / "nowhere"), "--out", str(tmp_path / "b")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["-1", "first"])
def test_background_is_a_class_or_none(text, capsys):
    with pytest.raises(SystemExit):
        parsed("mine.keras", "--background", text)
    assert "--background" in capsys.readouterr().err
