"""Provenance of a bundle: source, machine, command, seed, and versions of the tools."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from pathlib import Path

from device.runtimes import ORIGINS, installed_interpreters


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
    versions |= {name: importlib.metadata.version(name) for name in packages}
    at_hand = installed_interpreters()
    return versions | {ORIGINS[name].distribution: version for name, version in at_hand.items()}
