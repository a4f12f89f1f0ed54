from __future__ import annotations

import pytest

from device.inspection import recognition
from device.inspection.trial_run import ExamineRequest, answer
from tests.helpers import tiny_models


@pytest.fixture
def one_interpreter(monkeypatch):
    """Examine models in this process, in the first interpreter alone: the same in milliseconds."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    first = dict(list(recognition.installed_interpreters().items())[:1])
    monkeypatch.setattr(recognition, "installed_interpreters", lambda: first)
    monkeypatch.setattr(recognition, "examine", examine)


def test_bare_model_is_told_in_short_then_in_detail(device, write, labels, one_interpreter):
    ran = device("info", write(tiny_models.ssd(), "mine.tflite"), "--labels", labels)
    assert ran.code == 0, ran.err
    first, short, *lines = ran.out.splitlines()
    assert first.startswith("mine.tflite: detection, ")
    assert short.startswith("Taken for a detector of 3 classes: the operator TFLite_Detection_Post")
    assert "Not sure: GUESSED that its pixels must be -1..1" in short
    assert "operators CUSTOM" not in ran.out
    # a version is no count
    assert any(line.startswith("operators ") and " v1, " in line for line in lines)
    assert not any(line.startswith("warning") for line in lines)


def test_model_of_which_all_is_said_is_no_guess(device, write, labels, one_interpreter):
    model = write(tiny_models.ssd())
    ran = device("info", model, "--labels", labels, "--mean", "127.5", "--std", "127.5")
    assert "Nothing of it is a guess." in ran.out


def test_info_says_what_a_bundle_holds(device, bundle_dir):
    ran = device("info", bundle_dir)
    assert ran.code == 0, ran.err
    assert "80 classes" in ran.out
    assert "every sha256 as the manifest says" in ran.out
    for variant in ("float32", "float16", "dynamic", "int8"):
        size = (bundle_dir / f"{variant}.tflite").stat().st_size
        assert any(
            line.startswith(variant) and f"{size / 1e6:.2f} MB" in line
            for line in ran.out.splitlines()
        )


def test_future_bundle_says_to_update(device, bundle_copy):
    bundle_copy.change(lambda manifest: manifest.update(format=99))
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "update liteberry" in ran.error


def test_damaged_bundle_says_to_copy_it_again(device, bundle_copy):
    (bundle_copy.folder / "samples" / "cat.jpg").write_bytes(b"x")
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "cat.jpg is damaged" in ran.error
    assert "copy or build the bundle again" in ran.error


def test_debug_shows_the_traceback_too(device, tmp_path):
    ran = device("info", tmp_path, "--debug")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: ")
