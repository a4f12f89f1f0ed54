"""What importing brings along: on a Pi every import costs memory and time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODULES = sorted(path.stem for path in (ROOT / "device").glob("[!_]*.py"))
ALL_MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "device").rglob("[!_]*.py")
    if path.name != "openvino_runtime.py"  # it is as much as the interpreter itself
)


def loaded_by(code: str) -> set[str]:
    """Top-level names in ``sys.modules`` after ``code``, without what Python starts with."""
    script = (
        f"import sys, json; before = set(sys.modules); {code}; "
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_all_modules_together_load_no_laptop_package():
    loaded = loaded_by(f"import {', '.join(ALL_MODULES)}")
    assert "cv2" in loaded, "the modules were not really imported"
    assert not loaded & {"tensorflow", "keras", "convert", "skimage", "pycocotools", "tqdm"}


def test_all_modules_together_load_no_interpreter_until_a_model_is():
    loaded = loaded_by(f"import {', '.join(ALL_MODULES)}")
    assert not loaded & {"ai_edge_litert", "tflite_runtime"}


def test_all_modules_together_load_nothing_that_only_a_home_needs():
    loaded = loaded_by(f"import {', '.join(ALL_MODULES)}")
    assert not loaded & {"paho", "apprise", "requests", "yaml"}


@pytest.mark.parametrize("module", ["device", "device.errors", "device.cli"])
def test_light_module_loads_the_standard_library_alone(module):
    assert loaded_by(f"import {module}") - sys.stdlib_module_names == {"device"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["detect", "--help"]])
def test_help_does_not_wait_for_opencv(arguments):
    code = (
        "from device.cli import main\ntry: main("
        + repr(arguments)
        + ")\nexcept SystemExit as exc: assert exc.code == 0\n"
    )
    loaded = loaded_by(f"exec({code!r})")
    assert not loaded & {"cv2", "numpy", "msgspec"}


@pytest.mark.parametrize("module", MODULES)
def test_module_can_be_imported_first(module):
    assert "device" in loaded_by(f"import device.{module}")
