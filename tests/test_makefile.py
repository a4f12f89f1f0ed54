"""The Makefile's rules: which files a target depends on, and which Python it is given."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile, an installed environment, a bundle, and what the bundle is made of."""
    for file in (
        "Makefile",
        ".venv/installed",
        "requirements/laptop-3.11-linux-x86_64.txt",
        "requirements/make_venv.sh",
        "convert/cli.py",
        "convert/quantization/gptq.py",
        "device/runtimes.py",
        "device/inference/decode.py",
        "device/web/static/page.js",
        "datasets/labels.txt",
        "build/ssdlite_mobilenet_v2/manifest.json",
    ):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MAKEFILE if file == "Makefile" else "")
    for path in tmp_path.rglob("*"):
        os.utime(path, (1000, 1000))
    return tmp_path


def planned(checkout: Path, *arguments: str) -> str:
    """The commands that make would run."""
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "changed",
    [
        "convert/cli.py",
        "convert/quantization/gptq.py",
        "device/runtimes.py",
        "device/inference/decode.py",
        "datasets/labels.txt",
    ],
)
def test_bundle_is_made_anew_when_what_it_is_made_by_changes(checkout, changed):
    assert "convert build" not in planned(checkout, "demo")
    (checkout / changed).touch()
    assert "convert build" in planned(checkout, "demo")


def test_bundle_is_kept_when_a_file_of_the_page_changes(checkout):
    (checkout / "device/web/static/page.js").touch()
    assert "convert build" not in planned(checkout, "demo")


def test_changed_lock_is_looked_at(checkout):
    assert "make_venv.sh" not in planned(checkout, "test")
    (checkout / "requirements/laptop-3.11-linux-x86_64.txt").touch()
    assert "requirements/make_venv.sh .venv \n" in planned(checkout, "test")


def test_python_asked_for_is_looked_at_each_time(checkout):
    said = planned(checkout, "test", "PYTHON=python3.12")
    assert "requirements/make_venv.sh .venv python3.12\n" in said


def test_environment_and_build_folder_can_be_others(checkout):
    said = planned(checkout, "check-demo", "VENV=.venv-3.13", "BUILD=build/3.13")
    assert ".venv-3.13/bin/python -m convert build ssdlite_mobilenet_v2 --out build/3.13/" in said
    assert "--output build/3.13/demo/annotated.mp4" in said
    assert "LITEBERRY_DEMO=build/3.13/demo .venv-3.13/bin/python -m pytest" in said
    assert ".venv/" not in said


def test_every_slow_suite_has_a_target_that_asks_for_it():
    """A marker that is left out by default and asked for by nobody would hide its tests."""
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    left_out = re.search(r"^addopts = .*-m 'not \((.*)\)'", settings, re.MULTILINE)
    assert left_out is not None
    asked_for = set(re.findall(r"-m pytest\b.* -m (\w+)", MAKEFILE))
    asked_for |= set(re.findall(r"\$\(DEPLOYED\).* -m (\w+)", MAKEFILE))
    assert asked_for == set(left_out[1].split(" or "))


def test_every_shell_script_is_checked():
    scripts = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.b]*/**/*.sh")}
    scripts.discard("build")
    found = re.search(r"\$\$\(find (.*) -name '\*\.sh'\)", MAKEFILE)
    assert found is not None
    assert scripts <= set(found[1].split())


def test_every_lock_is_made_by_make_lock(checkout):
    uv = checkout / ".venv/bin/uv"
    uv.parent.mkdir(parents=True, exist_ok=True)
    uv.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho "$2" >> made\n')
    uv.chmod(0o755)
    subprocess.run(["make", "--silent", "lock"], cwd=checkout, check=True)
    made = set((checkout / "made").read_text().split())
    assert made == {f"requirements/{path.name}" for path in (ROOT / "requirements").glob("*.txt")}


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("laptop-*.txt")))
def test_lock_names_the_interpreters_that_its_python_has(lock):
    """tflite-runtime ends at Python 3.11, has no wheel for macOS, and holds NumPy at 1."""
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock.read_text("utf-8"), re.MULTILINE))
    assert {"ai-edge-litert", "tensorflow", "numpy", "ai-edge-quantizer"} <= set(pinned)
    has_it = "-3.11-linux" in lock.name
    assert ("tflite-runtime" in pinned) == has_it
    assert pinned["numpy"].startswith("1.") == ("-3.11-" in lock.name)
