from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from device.doctor.case import Case, Python
from device.doctor.finding import Finding
from device.doctor.libcamera import Listing
from device.doctor.packages import (
    check_environment,
    check_interpreters,
    check_opencv,
    check_packages,
)
from device.doctor.trial import (
    NOT_INSTALLED,
    PACKAGES,
    Attempt,
    try_imports,
)
from device.runtimes import installed_interpreters
from tests.conftest import ROOT
from tests.device.doctor.conftest import (
    LITERT,
    TENSORFLOW,
    TFLITE_RUNTIME,
    by_verdict,
    case_of,
    only,
)
from tests.helpers.boards import lay_out


@pytest.fixture(scope="session")
def here() -> dict[str, Attempt]:
    """How importing goes in the environment of the tests."""
    return try_imports(with_picamera2=True)


def test_all_that_a_run_needs_is_here(here):
    installed = [name for name in installed_interpreters() if name != "tensorflow"]
    absent = [] if "tflite-runtime" in installed else [TFLITE_RUNTIME]
    names = (*PACKAGES, LITERT, TFLITE_RUNTIME)
    assert [name for name in names if here[name].error] == absent
    assert TENSORFLOW not in here, "it takes seconds, and others are here"
    case = case_of(here)
    packages = only(check_packages(case))
    assert packages.verdict == "ok"
    assert packages.found.startswith(f"numpy {np.__version__}")
    opencv = only(check_opencv(case))
    assert opencv.verdict == "ok"
    assert "headless, shows no windows" in opencv.found
    interpreters = list(check_interpreters(case))
    assert [item.found.split()[0] for item in interpreters] == installed
    assert {item.verdict for item in interpreters} == {"ok"}


def test_picamera2_without_libcamera_is_named(here):
    assert here["picamera2"].error == "No module named 'libcamera'"
    assert not here["picamera2"].missing


def test_bare_environment_lacks_everything(tmp_path, monkeypatch):
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))
    trials = try_imports(with_picamera2=False)
    assert set(trials) == {*PACKAGES, LITERT, TFLITE_RUNTIME, TENSORFLOW}
    assert all(trial.missing for trial in trials.values())
    case = case_of(trials)
    problem, warning = check_packages(case)
    assert (problem.verdict, warning.verdict) == ("problem", "warning")
    assert problem.found == "numpy is not installed; msgspec is not installed"
    assert "no live page" in warning.found
    assert only(check_opencv(case)).verdict == "problem"
    interpreter = only(check_interpreters(case))
    assert interpreter.verdict == "problem"
    assert interpreter.found == "LiteRT is not installed"


def in_time_and_late(case: Case, load_1_min: float) -> dict[str, list[Finding]]:
    """What packages are called that gave no answer, on an idle and on a busy machine."""
    late = Attempt(error="gave no answer in time", late=True)
    board = dataclasses.replace(case.board, model="Raspberry Pi 3 Model B Rev 1.2")
    board = dataclasses.replace(board, cpu=dataclasses.replace(board.cpu, cores=4))
    state = dataclasses.replace(case.state, load_1_min=load_1_min)
    case = dataclasses.replace(case, board=board, state=state)
    names = (*PACKAGES, LITERT, TFLITE_RUNTIME, "picamera2")
    case.__dict__["imports"] = dict.fromkeys(names, late)
    case.__dict__["cameras"] = Listing(("imx708",))
    checks = (check_environment, check_packages, check_opencv, check_interpreters)
    return by_verdict(finding for check in checks for finding in check(case))


def test_imports_that_a_busy_machine_slows_are_unknown_not_problems():
    found = in_time_and_late(Case.here(), 4.1)
    assert {finding.check for finding in found.pop("unknown")} == {
        "environment", "packages", "opencv", "interpreters",
    }  # fmt: skip
    assert found == {}


def test_imports_that_hang_on_an_idle_machine_are_problems():
    found = in_time_and_late(Case.here(), 4.0)
    assert {finding.check for finding in found["problem"]} == {
        "environment", "packages", "opencv", "interpreters",
    }  # fmt: skip
    assert "unknown" not in found


def test_missing_interpreter_is_a_warning_beside_one_that_works(here):
    works = here[LITERT]  # as tflite-runtime does where its Python has it
    case = case_of({**here, TFLITE_RUNTIME: works, LITERT: NOT_INSTALLED})
    found = by_verdict(check_interpreters(case))
    assert "LiteRT is not installed: it has the fastest kernels" in only(found["warning"]).found
    assert "problem" not in found


def of_32_bits(trials: dict[str, Attempt]) -> Case:
    return case_of(trials, python=Python((3, 11, 2), 32, "python3", Path("venv"), True))


def test_litert_is_not_missed_on_32_bits(here):
    works = here[LITERT]
    case = of_32_bits({**here, TFLITE_RUNTIME: works, LITERT: NOT_INSTALLED})
    assert only(check_interpreters(case)).verdict == "ok"


def test_what_is_missing_on_32_bits_comes_with_another_deployment(here):
    missing = dict.fromkeys((TFLITE_RUNTIME, LITERT, "cv2", "numpy"), NOT_INSTALLED)
    case = of_32_bits({**here, **missing})
    for check in (check_interpreters, check_opencv, check_packages):
        finding = only(check(case))
        assert finding.verdict == "problem"
        assert finding.mend == "./deploy.sh --install-deps HOST   # on the laptop"
    assert "tflite-runtime is not installed" in only(check_interpreters(case)).found


def test_two_packages_of_opencv_are_a_warning(packages, tmp_path):
    metadata = "Metadata-Version: 2.1\nName: opencv-python\nVersion: 4.10.0.84\n"
    packages("opencv_python-4.10.0.84.dist-info/METADATA", metadata)
    finding = only(check_opencv(case_of(try_imports(with_picamera2=False))))
    assert finding.verdict == "warning"
    headless = version("opencv-python-headless")
    assert f"opencv-python 4.10.0.84 and opencv-python-headless {headless}" in finding.found
    assert "uninstall -y opencv-python opencv-python-headless && " in finding.mend
    assert finding.mend.endswith("install 'opencv-python-headless<5'")


def test_opencv_that_lacks_the_libraries_of_windows_is_a_problem(packages):
    packages(
        "cv2.py",
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file')",
    )
    case = case_of(try_imports(with_picamera2=False))
    finding = only(check_opencv(case))
    assert finding.verdict == "problem"
    assert "libGL.so.1" in finding.found
    assert "headless" in finding.mend
    assert only(check_packages(case)).verdict == "ok", "OpenCV has a check of its own"


def test_opencv_of_the_system_can_show_windows(here):
    trial = Attempt(facts={"version": "4.6.0", "packages": [], "windows": True})
    finding = only(check_opencv(case_of({**here, "cv2": trial})))
    assert finding.found == "OpenCV 4.6.0 from the system: can show windows"


def test_clash_with_numpy_is_explained(here):
    clash = Attempt(error="SystemError: ... with an exception set", numpy_clash=True)
    found = by_verdict(check_interpreters(case_of({**here, TFLITE_RUNTIME: clash})))
    warning = only(found["warning"])
    assert warning.found.startswith("tflite-runtime was compiled for NumPy 1 and cannot run beside")
    assert "'numpy<2'" in warning.mend
    trials = {**here, TFLITE_RUNTIME: clash, LITERT: NOT_INSTALLED}
    assert [item.verdict for item in check_interpreters(case_of(trials))] == ["problem"] * 2


@pytest.mark.installs
def test_tflite_runtime_beside_numpy_2_is_found(tmp_path):
    folder = tmp_path / "clash"
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "numpy>=2", "tflite-runtime==2.14.0"]
    subprocess.run(install, check=True)
    done = subprocess.run(
        [python, "-m", "device", "doctor", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    problems = [
        item for item in json.loads(done.stdout)["findings"] if item["check"] == "interpreters"
    ]
    assert problems[0]["verdict"] == "problem"
    assert "tflite-runtime was compiled for NumPy 1" in problems[0]["found"]
    assert problems[0]["mend"].startswith(f"{python} -m pip install 'numpy<2'")
    # What the doctor advises does mend it.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy<2"], check=True)
    load = "import sys; sys.argv = ['', 'imports', 'tflite_runtime.interpreter']; import runpy; "
    load += "runpy.run_module('device.doctor.trial', run_name='__main__')"
    done = subprocess.run([python, "-c", load], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1])["error"] is None


def in_venv(sees_system_packages: bool) -> Python:
    return Python((3, 11, 2), 64, "venv/bin/python", Path("venv"), sees_system_packages)


@pytest.mark.parametrize(
    ("python", "trial", "sensors", "verdict", "mend"),
    [
        (in_venv(True), Attempt(), ("imx708",), "ok", None),
        (in_venv(False), NOT_INSTALLED, ("imx708",), "problem", "venv/pyvenv.cfg"),
        (in_venv(False), NOT_INSTALLED, (), "warning", "s/false/true/"),
        (in_venv(True), NOT_INSTALLED, ("imx708",), "problem", "sudo apt install"),
        (in_venv(True), Attempt(error="No libcamera"), (), "warning", "sudo apt install"),
        (
            Python((3, 11, 7), 64, "/opt/python", None, False),
            NOT_INSTALLED,
            (),
            "warning",
            "/usr/bin/python3 -m venv --system-site-packages",
        ),
        (
            in_venv(True),
            Attempt(error="numpy.dtype size changed", numpy_clash=True),
            ("imx708",),
            "problem",
            "install 'numpy<2'",
        ),
    ],
)
def test_picamera2_is_needed_where_a_camera_is(here, python, trial, sensors, verdict, mend):
    case = case_of({**here, "picamera2": trial}, python=python, model="Raspberry Pi 4 Model B")
    case.__dict__["cameras"] = Listing(sensors)
    finding = only(check_environment(case))
    assert finding.verdict == verdict
    assert (finding.mend is None) if mend is None else (mend in finding.mend)


def test_mended_environment_sees_the_systems_packages(tmp_path):
    """The command that is advised does what it should."""
    venv.create(tmp_path / "venv", with_pip=False)
    finding = only(
        check_environment(
            pi_with(tmp_path, Python((3, 11, 2), 64, "python", tmp_path / "venv", False))
        )
    )
    subprocess.run(finding.mend, shell=True, check=True)
    assert "include-system-site-packages = true" in (tmp_path / "venv/pyvenv.cfg").read_text()


def pi_with(tmp_path: Path, python: Python) -> Case:
    case = dataclasses.replace(Case.here(root=lay_out("pi_4", tmp_path / "root")), python=python)
    case.__dict__["imports"] = {"picamera2": NOT_INSTALLED}
    return case


def test_host_needs_no_picamera2(here):
    assert only(check_environment(case_of({**here, "picamera2": NOT_INSTALLED}))).verdict == "ok"


def test_packages_are_not_looked_for_in_a_python_that_cannot_be_used(here):
    case = case_of({}, python=Python((3, 9, 2), 64, "python3", None, True))
    assert only(check_packages(case)).verdict == "unknown"
    assert list(check_opencv(case)) == list(check_interpreters(case)) == []


@pytest.mark.parametrize(
    ("executable", "folder", "begins"),
    [
        ("/x/bin/python", Path("/x"), "/x/bin/python -m pip install --no-deps --require-hashes -r"),
        ("/usr/bin/python3", None, "/usr/bin/python3 -m venv --system-site-packages .venv && "),
    ],
)
def test_missing_packages_are_installed_into_an_environment(here, executable, folder, begins):
    python = Python((3, 11, 2), 64, executable, folder, True)
    finding = only(check_packages(case_of({**here, "numpy": NOT_INSTALLED}, python=python)))
    assert finding.mend.startswith(begins)
