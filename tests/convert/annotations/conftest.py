"""Fixtures of the tests of annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.annotation_files import write_images


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images")


@pytest.fixture
def said() -> list[str]:
    return []
