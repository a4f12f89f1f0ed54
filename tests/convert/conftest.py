from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from convert.fetch import weights_folder
from convert.zoo import SSDLITE_MOBILENET_V2

settings.register_profile("untimed", deadline=None)  # how fast code is, a busy machine cannot tell
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The published weights, from the cache or their real source."""
    return weights_folder(SSDLITE_MOBILENET_V2)[0]
