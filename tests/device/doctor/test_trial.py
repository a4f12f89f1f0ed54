from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import device.doctor.trial
from device.doctor.packages import (
    check_interpreters,
)
from device.doctor.trial import (
    PACKAGES,
    is_numpy_clash,
    try_imports,
    try_variant,
)
from tests.device.doctor.conftest import (
    LITERT,
    TENSORFLOW,
    TFLITE_RUNTIME,
    by_verdict,
    case_of,
    only,
)
from tests.helpers.children import time_out_once_told


def test_crash_on_import_is_the_packages_own(packages):
    packages(
        "tflite_runtime/interpreter.py", "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    )
    packages("msgspec.py", "import os; os.abort()")
    trials = try_imports(with_picamera2=False)
    assert trials[TFLITE_RUNTIME].error == "crashed (SIGILL)"
    assert trials["msgspec"].error == "crashed (SIGABRT)"
    assert trials["numpy"].error is None, "it was imported before"
    assert trials["cv2"].error == "not tried, as the process crashed (SIGABRT)"
    assert not trials["cv2"].missing
    assert trials[LITERT].error is None, "it has a process of its own"
    found = by_verdict(check_interpreters(case_of(trials)))
    assert only(found["warning"]).found == "tflite-runtime: crashed (SIGILL)"


@pytest.mark.parametrize(
    "said", ["{", "{}", "[1]", '{"tried": "a"}', pytest.param("[" * 100_000, id="deep")]
)
def test_what_a_package_says_on_standard_output_is_no_answer(quick_packages, said):
    quick_packages("msgspec.py", f"print({said!r}); __version__ = '1'")
    trials = try_imports(with_picamera2=False)
    assert trials["msgspec"].error is None
    assert trials["cv2"].error is None


@pytest.fixture
def quick_packages(packages: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Packages that are imported in no time, however busy the machine is."""
    for name in PACKAGES:
        packages(f"{name}.py", "__version__ = '1'\ngetBuildInformation = lambda: 'GUI: NONE'")
    return packages


def hang(told: Path) -> str:
    return (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(told)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(1000)"
    )


def test_import_that_hangs_is_given_up(quick_packages, monkeypatch, tmp_path):
    time_out_once_told(monkeypatch, tmp_path / "hangs")
    quick_packages("ai_edge_litert/interpreter.py", hang(tmp_path / "hangs"))
    trials = try_imports(with_picamera2=False)
    assert trials[LITERT].error == "gave no answer in time"
    assert trials["cv2"].error is None


def test_import_that_hangs_is_told_apart_from_those_before_it(
    quick_packages, monkeypatch, tmp_path
):
    time_out_once_told(monkeypatch, tmp_path / "hangs")
    quick_packages("cv2.py", hang(tmp_path / "hangs"))
    trials = try_imports(with_picamera2=False)
    assert (trials["numpy"].late, trials["cv2"].late, trials["tornado"].late) == (False, True, True)
    assert trials["tornado"].error == "not tried, as the process gave no answer in time"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_a_child_is_started_leaves_no_child(monkeypatch, number):
    started: list[subprocess.Popen[str]] = []

    class Disturbed(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(number)  # the caller does not know of this child yet

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Disturbed)
    before = signal.signal(number, end)
    try:
        with pytest.raises(KeyboardInterrupt):
            try_imports(with_picamera2=False)
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    (child,) = started
    assert child.returncode == -signal.SIGKILL


def test_package_that_misses_another_is_not_missing_itself(packages):
    packages("ai_edge_litert/interpreter.py", "import flatbufferz")
    trial = try_imports(with_picamera2=False)[LITERT]
    assert (trial.error, trial.missing) == ("No module named 'flatbufferz'", False)


def test_tensorflow_is_tried_where_it_is_the_only_one(packages):
    for name in ("ai_edge_litert", "tflite_runtime"):
        packages(f"{name}/__init__.py", f"raise ModuleNotFoundError('gone', name={name!r})")
    packages("tensorflow/__init__.py", "__version__ = '2.21'")
    packages("tensorflow/lite/python/interpreter.py", "raise ImportError('no AVX')")
    trials = try_imports(with_picamera2=False)
    assert trials[TENSORFLOW].error == "ImportError: no AVX"
    found = by_verdict(check_interpreters(case_of(trials)))
    assert [item.found for item in found["problem"]] == [
        "tensorflow: ImportError: no AVX",
        "LiteRT is not installed",
    ]


@pytest.mark.parametrize(
    "text",
    [
        # What NumPy 2.4 says of tflite-runtime 2.14, and NumPy 1 of simplejpeg built for 2.
        "AttributeError: _ARRAY_API not found",
        "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.4.6",
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility.",
    ],
)
def test_clash_with_numpy_is_recognised(text):
    assert is_numpy_clash(text)
    assert not is_numpy_clash("No module named 'numpy'")


def test_variant_runs(small_bundle):
    trial = try_variant(small_bundle, "int8")
    assert trial.error is None
    assert trial.facts["interpreter"].startswith("litert ")
    assert trial.facts["first_result_ms"] > 0
    assert trial.facts["peak_mib"] > 20


def test_variant_that_takes_too_long_is_given_up(small_bundle, monkeypatch):
    monkeypatch.setattr(device.doctor.trial, "LOAD_TIMEOUT_S", 0.001)
    assert "no answer in time" in try_variant(small_bundle, "int8").error


def test_variant_that_crashes_is_an_answer(small_bundle, packages):
    packages(
        "ai_edge_litert/interpreter.py", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    )
    assert try_variant(small_bundle, "int8").error == "crashed (SIGSEGV)"
