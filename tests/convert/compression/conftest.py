"""One small network with random weights, whose making takes longer than the tests."""

from __future__ import annotations

import numpy as np
import pytest

from convert.models.layer_weights import weights_of
from convert.models.ssdlite import build_ssdlite

SIZE = 96
CLASSES = 2


@pytest.fixture(scope="session")
def network():
    """An SSDLite of two classes for any number of images of 96 pixels."""
    random = np.random.default_rng(3)
    model = build_ssdlite(CLASSES, SIZE, None)
    model.set_weights([random.normal(0, 0.08, item.shape) for item in model.variables])
    return model


@pytest.fixture(scope="session")
def weights(network):
    return weights_of(network)


@pytest.fixture(scope="session")
def image():
    return np.random.default_rng(5).uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)
