"""What the tests of outputs share."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator

import pytest

ENCODERS = ["h264", "opencv"]


@pytest.fixture
def berlin() -> Iterator[None]:
    """A machine in Berlin: an hour before UTC, in summer two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(params=ENCODERS)
def either_encoder(request, monkeypatch):
    """With PyAV and without it."""
    if request.param == "opencv":
        # PyAV imports this when a test first opens a file to look at it: too late with it hidden.
        importlib.import_module("av.subtitles.stream")
        monkeypatch.setitem(sys.modules, "av", None)  # importing it fails
    return request.param
