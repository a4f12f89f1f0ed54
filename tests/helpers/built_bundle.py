"""The default bundle, built once for as long as the code that builds it stays the same."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from device.bundle.bundle import Bundle
from device.errors import LiteberryError
from device.paths import ROOT

MODEL = "ssdlite_mobilenet_v2"
KEPT = ROOT / "build" / "tests"


def built_bundle(build: Callable[[Path], str]) -> Path:
    """The folder of the bundle; ``build`` fills one and returns what it said, kept beside it.

    Whoever asks first builds it for all: the other processes of this run, and later runs.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = KEPT / _fingerprint()
        if not _is_whole(place):
            for folder in KEPT.glob("*/"):
                shutil.rmtree(folder)
            said = build(place / MODEL)
            (place / "said.txt").write_text(said)
    return place / MODEL


def _fingerprint() -> str:
    """Names the code, the packages and the Python that a bundle is made by."""
    packages = ("tensorflow", "ai-edge-litert", "numpy", "opencv-python-headless")
    digest = hashlib.sha256(repr([sys.version, *map(version, packages)]).encode())
    for path in sorted(path for name in ("convert", "device") for path in (ROOT / name).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"\n{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _is_whole(place: Path) -> bool:
    """Whether a build came to its end there, and nothing was changed since."""
    if not (place / "said.txt").exists():
        return False
    try:
        Bundle(place / MODEL).verify()
    except LiteberryError:
        return False
    return True
