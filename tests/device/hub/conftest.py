"""Pis for a hub to ask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1])
