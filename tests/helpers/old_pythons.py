"""Pythons older than liteberry needs, on which the doctor must still say so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# All that is loaded where `python -m device doctor` runs on Python 3.9, Raspberry Pi OS Bullseye's.
# Standard library alone, and no syntax that came later: this is the one list of them.
DOCTOR_MODULES = (
    "device",
    "device.compiled_model",
    "device.errors",
    "device.files",
    "device.foreign_formats",
    "device.paths",
    "device.runtimes",
    "device.system",
    "device.system.accelerators",
    "device.system.board",
    "device.system.code_integrity",
    "device.system.console",
    "device.system.signals",
    "device.commands",
    "device.commands.doctor",
    "device.commands.runner",
    "device.doctor",
    *(
        f"device.doctor.{path.stem}"
        for path in sorted((ROOT / "device/doctor").glob("*.py"))
        if path.stem != "__init__"
    ),
)


def find_python(version: str) -> str:
    """An old Python, wherever it is; skips where there is none."""
    installed = (Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")
    for candidate in [shutil.which(f"python{version}"), *map(str, installed)]:
        if candidate is None:
            continue
        told = subprocess.run([candidate, "--version"], capture_output=True, text=True)
        if f"Python {version}." in told.stdout + told.stderr:
            return candidate
    pytest.skip(f"no old Python here: {version}")
