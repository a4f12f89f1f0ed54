"""``--delegate``, and models compiled for a Coral Edge TPU, from the command line on."""

from __future__ import annotations

from ctypes.util import find_library

import pytest

from device.inspection import recognition
from tests.device.commands.conftest import log_of
from tests.helpers import tiny_models


@pytest.fixture
def compiled(write):
    return write(tiny_models.compiled(), "colours_edgetpu.tflite")


@pytest.fixture(autouse=True)
def litert_alone(monkeypatch):
    """Each interpreter would be another child."""
    version = recognition.installed_interpreters()["litert"]
    monkeypatch.setattr(recognition, "installed_interpreters", lambda: {"litert": version})


def test_compiled_model_runs_with_its_library(device, compiled, labels, red, tmp_path, delegate):
    log = tmp_path / "seen.jsonl"
    ran = device(
        "detect", compiled, "--labels", labels, "--source", red, "--log", log,
        "--delegate", delegate(),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "edgetpu in litert" in ran.err
    assert ", libedgetpu.so.1, " in ran.err
    assert log_of(log)["classes"][0]["label"] == "red"


@pytest.mark.skipif(find_library("edgetpu") is not None, reason="libedgetpu is installed here")
@pytest.mark.parametrize("command", ["info", "detect", "bench"])
def test_compiled_model_without_the_library_is_one_line_with_the_next_step(
    device, compiled, command
):
    source = ("--source", "demo") if command == "detect" else ()
    ran = device(command, compiled, *source)
    assert ran.code == 1
    assert "was compiled for a Coral Edge TPU, but libedgetpu.so.1 is not installed" in ran.error
    assert "without a Coral take the file it was compiled from" in ran.error
    assert ("compiled for a Coral Edge TPU, 0.00 MB" in ran.out) is (command == "info")


def test_compiled_model_is_told_apart_by_info(device, compiled, labels, delegate):
    ran = device("info", compiled, "--labels", labels, "--delegate", delegate())
    assert ran.code == 0, ran.err
    assert "runs on   a Coral Edge TPU, runtime 13 or newer" in ran.out
    assert "edgetpu-custom-op v1" in ran.out


def test_crash_with_a_bare_model_is_one_line(device, compiled, delegate):
    ran = device("info", compiled, "--delegate", delegate("crashes"))
    assert ran.code == 1
    assert "the interpreter crashed (SIGSEGV)" in ran.error
    assert "likely built for another version" in ran.error


def test_crash_with_a_bundle_is_one_line(device, small_bundle, delegate):
    ran = device(
        "detect", small_bundle, "--source", "demo", "--delegate", delegate("crashes")
    )  # fmt: skip
    assert ran.code == 1
    assert "int8.tflite in litert with the delegate libedgetpu.so.1" in ran.error
    assert "crashed (SIGSEGV)" in ran.error


def test_path_without_a_file_is_one_line(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "demo", "--delegate", "./none.so")
    assert ran.code == 1
    assert "none.so cannot be loaded" in ran.error


@pytest.mark.parametrize("text", ["", " ", "/"])
def test_what_is_no_library_is_wrong_usage(device, small_bundle, text):
    ran = device("detect", small_bundle, "--source", "demo", f"--delegate={text}")
    assert ran.code == 2
    assert "is no library: the path or name of one is expected" in ran.error


def test_link_that_leads_in_a_circle_is_one_line(device, small_bundle, tmp_path):
    circle = tmp_path / "circle.so"
    circle.symlink_to(circle)
    ran = device("detect", small_bundle, "--source", "demo", "--delegate", circle)
    assert ran.code == 1
    assert "circle.so cannot be loaded" in ran.error
