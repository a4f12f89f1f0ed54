from __future__ import annotations

import pytest

from device.images import read_image


@pytest.fixture(scope="module")
def cat(small_bundle):
    return read_image(small_bundle / "samples" / "cat.jpg")
