"""The case: the machine under examination, and what several checks want to know of it."""

from __future__ import annotations

import platform
import struct
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from device.doctor.clock import is_synchronised
from device.doctor.finding import Finding
from device.doctor.libcamera import Listing, list_cameras
from device.doctor.trial import Attempt, try_imports
from device.paths import ROOT
from device.system.board import HERE, Board, State, read_board, read_state
from device.system.console import say

PORT = 8080  # of the live page, where none is named
OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)  # of LiteRT's wheels
PYTHON_OF_32_BITS = (3, 11)  # of tflite-runtime's


@dataclass(frozen=True)
class Python:
    """An interpreter of Python, and where it looks for packages."""

    version: tuple[int, int, int]
    bits: int
    executable: str
    venv: Path | None
    sees_system_packages: bool  # apt's, among them Picamera2

    @property
    def name(self) -> str:
        """Its version, as people write it."""
        return ".".join(map(str, self.version))

    @property
    def fits(self) -> bool:
        """Whether there are wheels for it, and liteberry can be read by it."""
        short = self.version[:2]
        if self.bits == 32:
            return short == PYTHON_OF_32_BITS
        return OLDEST_PYTHON <= short <= NEWEST_PYTHON

    def pip(self, arguments: str) -> str:
        """The command that runs pip for it; the system's own Python wants an environment."""
        if self.venv is not None:
            return f"{self.executable} -m pip {arguments}"
        return (
            f"{self.executable} -m venv --system-site-packages .venv && "
            f".venv/bin/python -m pip {arguments}"
        )


def this_python() -> Python:
    """The one that runs this."""
    venv = Path(sys.prefix) if sys.prefix != sys.base_prefix else None
    asked_for = venv is None or "include-system-site-packages = true" in _config(venv).lower()
    return Python(
        version=sys.version_info[:3],
        bits=8 * struct.calcsize("P"),
        executable=sys.executable or "python3",
        venv=venv,
        # Debian's own, in /usr; one from pyenv or /usr/local does not see apt's packages.
        sees_system_packages=asked_for and sys.base_prefix == "/usr",
    )


def _config(venv: Path) -> str:
    try:
        return (venv / "pyvenv.cfg").read_text()
    except OSError:
        return ""


@dataclass(frozen=True)
class Case:
    """All that the checks look at.

    ``root`` is the file system's, under which recorded texts of another board may lie; ``folder``
    is where a run would write its logs, ``port`` where it would serve the live page.
    """

    board: Board
    state: State
    python: Python
    root: Path = HERE
    folder: Path = Path()
    port: int = PORT
    bundle: Path | None = None
    release: Path = ROOT  # where this code lies
    now_s: float = 0.0  # since 1970, UTC
    clock_is_set: bool | None = None

    @classmethod
    def here(cls, bundle: Path | None = None, port: int = PORT, root: Path = HERE) -> Case:
        """The machine that runs this."""
        return cls(
            board=read_board(root),
            state=read_state(root),
            python=this_python(),
            root=root,
            folder=Path.cwd(),
            port=port,
            bundle=bundle,
            now_s=time.time(),
            clock_is_set=is_synchronised() if platform.system() == "Linux" else None,
        )

    @property
    def is_busy(self) -> bool:
        """Whether it had more to do than its cores can, before anything was tried."""
        return (self.state.load_1_min or 0.0) > max(1, self.board.cpu.cores)

    def too_busy(self, check: str, what: str) -> Finding:
        """What can be said of ``what`` where it gave no answer in time and :attr:`is_busy`."""
        return Finding(
            check,
            "unknown",
            f"{what}: no answer in time, but this machine was busy with other things "
            f"(load {self.state.load_1_min:.1f}, cores {self.board.cpu.cores})",
            "uptime   # and once the load is below the number of cores, doctor again",
        )

    @cached_property
    def cameras(self) -> Listing:
        """What libcamera sees."""
        return list_cameras(self.root)

    @cached_property
    def imports(self) -> dict[str, Attempt]:
        """How importing each package went, in children."""
        say("importing the packages")
        return try_imports(with_picamera2=self.board.is_pi)
