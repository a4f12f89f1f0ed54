from __future__ import annotations

import os
import sys

import pytest

from tests.conftest import ROOT
from tests.helpers.deploy_hosts import write_script

FIND = "find_python.sh"
OURS = ((3, 11), (3, 12), (3, 13))


def found(laptop, *arguments: str, **variables: str) -> str:
    ran = laptop.run(FIND, *arguments, **variables)
    assert ran.code == 0, ran.err
    return ran.out.strip()


def refused(laptop, *arguments: str) -> str:
    """The one line that it fails with."""
    ran = laptop.run(FIND, *arguments)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    return ran.err


def test_tflite_runtimes_last_python_is_the_best(laptop):
    for version in ("3.11", "3.12", "3.13"):
        laptop.add_python(version)
    assert found(laptop) == f"3.11 linux-x86_64 {laptop.bin / 'python3.11'}"


def test_newest_is_found_on_request(laptop):
    for version in ("3.11", "3.12", "3.13", "3.14"):
        laptop.add_python(version)
    assert found(laptop, "--newest") == f"3.13 linux-x86_64 {laptop.bin / 'python3.13'}"


def test_python3_will_do_where_its_version_does(laptop):
    laptop.add_python("3.12", at="python3")
    assert found(laptop) == f"3.12 linux-x86_64 {laptop.bin / 'python3'}"


def test_shim_that_does_not_run_is_passed_over_for_what_pyenv_has(laptop):
    write_script(
        laptop.bin / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127"
    )
    laptop.add_python("3.13", at=laptop.pyenv / "3.13.2/bin/python3")
    newer = laptop.add_python("3.13", at=laptop.pyenv / "3.13.10/bin/python3")
    assert found(laptop) == f"3.13 linux-x86_64 {newer}"


def test_pyenv_may_live_elsewhere(laptop):
    python = laptop.add_python("3.11", at=laptop.folder / "env/versions/3.11.9/bin/python3")
    assert found(laptop, PYENV_ROOT=str(laptop.folder / "env")).endswith(str(python))


def test_path_comes_before_pyenv(laptop):
    laptop.add_python("3.11", at=laptop.pyenv / "3.11.9/bin/python3")
    assert found(laptop).endswith("3.11.9/bin/python3")
    laptop.add_python("3.11")
    assert found(laptop).endswith("bin/python3.11")


def test_one_without_venv_is_passed_over_for_one_with_it(laptop):
    laptop.add_python("3.11", says="CPython 64 libc no-venv Linux x86_64")
    laptop.add_python("3.12")
    assert found(laptop).startswith("3.12 ")


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("CPython 64 libc no-venv Linux x86_64", "sudo apt install python3.12-venv"),
        ("CPython 32 libc venv Linux x86_64", "32-bit Python"),
        ("PyPy 64 libc venv Linux x86_64", "is PyPy, and there are wheels for CPython only"),
        ("CPython 64 musl venv Linux x86_64", "musl, as in Alpine"),
        ("CPython 64 libc venv Linux armv7l", "no wheels for Linux on armv7l"),
        ("CPython 64 libc venv Darwin x86_64", "no wheels for Darwin on x86_64"),
        ("CPython 64 libc venv Windows AMD64", "or WSL"),
    ],
)
def test_one_that_will_not_do_is_refused_with_why(laptop, says, expected):
    laptop.add_python("3.12", says=says)
    assert expected in refused(laptop)
    assert expected in refused(laptop, str(laptop.bin / "python3.12"))


@pytest.mark.parametrize(
    ("says", "platform"),
    [
        ("CPython 64 libc venv Linux aarch64", "linux-aarch64"),
        ("CPython 64 libc venv Darwin arm64", "macos-arm64"),
    ],
)
def test_platform_is_named_as_its_lock(laptop, says, platform):
    laptop.add_python("3.13", says=says)
    assert found(laptop).split()[:2] == ["3.13", platform]
    assert (ROOT / "requirements" / f"laptop-3.13-{platform}.txt").exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.14"])
def test_python_too_old_or_too_new_says_what_to_install(laptop, version):
    laptop.add_python(version, at="python3")
    said = refused(laptop)
    assert f"is Python {version}, and TensorFlow 2.21 has wheels for 3.11, 3.12 and 3.13" in said
    assert "sudo apt install" in said
    assert "make PYTHON=" in said


def test_no_python_at_all_says_what_to_install(laptop):
    assert refused(laptop).startswith("there is no Python 3.11, 3.12 or 3.13 here; install one (")


def test_python_asked_for_is_the_one_or_none(laptop):
    laptop.add_python("3.11")
    laptop.add_python("3.12")
    assert found(laptop, "python3.12").split()[0] == "3.12"
    assert refused(laptop, "python3.13") == "there is no python3.13 here\n"
    write_script(laptop.bin / "python3.13", "exit 127")
    assert "is no Python that runs" in refused(laptop, "python3.13")


def test_folder_with_a_space_in_its_name(laptop):
    python = laptop.add_python("3.11", at=laptop.folder / "my pythons/python3")
    assert found(laptop, str(python)) == f"3.11 linux-x86_64 {python}"


@pytest.mark.skipif(sys.version_info[:2] not in OURS, reason="its own locks are for others")
def test_real_python_that_runs_this_is_found(laptop):
    real = os.path.realpath(sys.executable)
    version = ".".join(map(str, sys.version_info[:2]))
    said = found(laptop, real)
    assert said.startswith((f"{version} linux-", f"{version} macos-"))
