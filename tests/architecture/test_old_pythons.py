"""What the doctor needs can be imported by Python 3.9, and is nothing but the listed modules."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from tests.architecture.imports_graph import module_paths
from tests.conftest import ROOT
from tests.helpers.old_pythons import DOCTOR_MODULES, find_python

IMPORT_ALL = f"""
import importlib, json, sys
for name in {DOCTOR_MODULES!r}:
    importlib.import_module(name)
print(json.dumps([name for name in sys.modules if name.split(".")[0] == "device"]))
"""


@pytest.mark.parametrize("module", DOCTOR_MODULES)
def test_module_has_the_syntax_of_python_3_9(module):
    ast.parse(module_paths()[module].read_text("utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("version", ["3.9", "3.10"])
def test_old_python_imports_all_of_them(version):
    command = [find_python(version), "-S", "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads(done.stdout)) == set(DOCTOR_MODULES)


def test_they_load_no_module_that_is_not_listed():
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads(done.stdout)) == set(DOCTOR_MODULES)
