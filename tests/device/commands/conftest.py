"""What the tests of this package share."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers import tiny_models


@pytest.fixture
def red(tmp_path) -> Path:
    """A folder with a picture that is red."""
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "red.png"), np.full((48, 64, 3), (0, 0, 255), np.uint8))
    return tmp_path / "pictures"


@pytest.fixture
def labels(tmp_path) -> Path:
    (tmp_path / "labels.txt").write_text(tiny_models.LABELS)
    return tmp_path / "labels.txt"


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name: str = "detect.tflite") -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def log_of(path: Path) -> dict:
    (line,) = path.read_text().splitlines()
    return json.loads(line)
