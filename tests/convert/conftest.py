from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.calibration.images import CalibrationInputs, calibration_images
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The published weights, from the cache or their real source."""
    return weights_folder(SSDLITE_MOBILENET_V2)[0]


@pytest.fixture(scope="session")
def photographs() -> NDArray[np.float32]:
    """Eight of those that `build` calibrates with, as the detector takes them."""
    images = calibration_images(None, 8, 0, pytest.fail)
    generate = CalibrationInputs(SSDLITE_MOBILENET_V2.input, "image").dataset(images)
    return np.concatenate([item["image"] for item in generate()])
