"""What the tests of outputs share."""

from __future__ import annotations

import sys

import pytest

ENCODERS = ["h264", "opencv"]


@pytest.fixture(params=ENCODERS)
def either_encoder(request, monkeypatch):
    """With PyAV and without it."""
    if request.param == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)  # importing it fails
    return request.param
