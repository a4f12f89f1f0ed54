"""Provenance of a bundle: source, machine, command, seed, and versions of the tools."""

from __future__ import annotations

import datetime
import importlib
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from device.bundle.manifest import Provenance
from device.runtimes import ORIGINS, installed_interpreters

ALWAYS_USED = ("numpy", "opencv-python-headless", "scikit-image")
# Modules that packages of other names have as well: opencv-python, tensorflow-cpu.
MODULES = {"opencv-python-headless": "cv2", "scikit-image": "skimage"}


def provenance_of(
    source: str,
    *,
    licence: str,
    weights_sha256: Mapping[str, str],
    checked_on: int,
    seed: int = 0,
    calibration: Sequence[str] = (),
    tools: Sequence[str] = (),
) -> Provenance:
    """The provenance of what is made here and now, by the command that runs.

    ``tools``: packages whose versions are recorded, beside Python's and :data:`ALWAYS_USED`;
    ``checked_on``: how many check images.
    """
    return Provenance(
        source=source,
        licence=licence,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine(),
        command=shlex.join(["python", "-m", "convert", *sys.argv[1:]]),
        seed=seed,
        calibration=tuple(calibration),
        checked_on=checked_on,
        versions=tool_versions((*tools, *ALWAYS_USED)),
        weights_sha256=dict(weights_sha256),
    )


def machine() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} ({platform.machine()})"


def tool_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of Python, of ``packages``, and of the interpreters that are at hand here."""
    versions = {"python": platform.python_version()}
    versions |= {name: _version(name) for name in packages}
    at_hand = installed_interpreters()
    return versions | {ORIGINS[name].distribution: version for name, version in at_hand.items()}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version: str = importlib.import_module(MODULES.get(package, package)).__version__
        return version
