"""A copy of the real bundle to report on, and a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from device.bundle.bundle import Bundle
from device.bundle.manifest import Manifest


@pytest.fixture
def manifest(bundle: Path) -> Manifest:
    """What the copy's own manifest says."""
    return Bundle(bundle).manifest


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (apt install chromium)")
    return found
