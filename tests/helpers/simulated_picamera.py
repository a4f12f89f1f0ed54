"""The real Picamera2 over a simulated libcamera."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.stubs.libcamera import Simulation

STUBS = str(ROOT / "tests" / "stubs")


@contextmanager
def simulated_picamera(platform: str = "VC4") -> Iterator[Simulation]:
    """Let ``import picamera2`` work, on a Pi 4 (VC4) or 5 (PISP); yields what its cameras do."""
    sys.path.insert(0, STUBS)
    try:
        import dma_heap
        import libcamera
        from picamera2 import Picamera2
        from picamera2.platform import Platform
    finally:
        sys.path.remove(STUBS)
    dma_heap.install()
    before = Picamera2.platform
    Picamera2.platform = Platform[platform]
    libcamera.simulation.__init__()
    try:
        yield libcamera.simulation
    finally:
        Picamera2.platform = before
        libcamera.simulation.__init__()
