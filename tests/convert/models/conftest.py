"""Fixtures of the tests of models."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT, run_module
from tests.helpers.keras_models import MODELS, SMALL


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder of small models of three classes, as users have them."""
    folder = tmp_path_factory.mktemp("models")
    done = subprocess.run(
        [sys.executable, "-c", MODELS, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (folder / "labels.txt").write_text("0 cat\r\n1 dog\r\n2 other\r\n")
    (folder / "broken.keras").write_bytes(b"no zip file")
    return folder


@pytest.fixture(scope="session")
def mobilenet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mobilenet") / "mobilenet_v2"
    done = run_module(
        "convert", "build", "mobilenet_v2", "--weights", "random", *SMALL, "--out", str(folder)
    )
    assert done.returncode == 0, done.stderr
    return folder
