from __future__ import annotations

from pathlib import Path

import pytest

from convert.fetch import weights_folder
from convert.zoo import SSDLITE_MOBILENET_V2


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The published weights, from the cache or their real source."""
    return weights_folder(SSDLITE_MOBILENET_V2)[0]
