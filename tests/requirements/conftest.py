"""A laptop with Pythons that are scripts: they say what they are, and make no environments."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.helpers.deploy_hosts import write_script

TOOLS = (
    "awk",
    "bash",
    "cat",
    "cksum",
    "cp",
    "df",
    "dirname",
    "env",
    "find",
    "grep",
    "mkdir",
    "rm",
    "rmdir",
    "sort",
    "touch",
    "tr",
)
# What the probe prints is {says}. An environment's python is a copy of the one that made it.
PYTHON = """
case "$*" in
  -c*sysconfig*) echo "{says}" ;;
  -c*"import pip"*) [ ! -e "$0.no-pip" ] && echo "{version}" ;;
  *"-m venv"*)
    [ ! -e "$0.no-venv" ] || exit 1
    for folder; do :; done
    rm -rf "$folder"
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python"
    touch "$folder/pyvenv.cfg" ;;
  *"-m pip install"*)
    echo "$*" >>"$LAPTOP/installed"
    cat "$LAPTOP/pip-says" >&2 2>/dev/null && exit 1
    true ;;
  *) exit 9 ;;
esac
"""


class Ran(NamedTuple):
    """How a script of the laptop ended."""

    code: int
    out: str
    err: str


class Laptop:
    """Tools, Pythons on PATH and under pyenv, and the checkout's ``requirements/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.pyenv = folder / "home" / ".pyenv" / "versions"
        self.checkout = folder / "checkout"
        self.bin.mkdir(parents=True)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None, tool
            (self.bin / tool).symlink_to(found)
        shutil.copytree(
            ROOT / "requirements",
            self.checkout / "requirements",
            ignore=shutil.ignore_patterns("__pycache__"),
        )

    def add_python(
        self,
        version: str,
        at: str | Path = "",
        says: str = "CPython 64 libc venv Linux x86_64",
    ) -> Path:
        """A Python of ``version``, on PATH by its usual name or where ``at`` says."""
        path = self.bin / (at or f"python{version}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_script(path, PYTHON.format(says=f"{version} {says}", version=version))
        return path

    def run(self, script: str, *arguments: str | Path, **variables: str) -> Ran:
        """Run one of ``requirements/``'s scripts, with no more than this laptop has."""
        done = subprocess.run(
            [self.checkout / "requirements" / script, *arguments],
            cwd=self.checkout,
            env={
                "PATH": str(self.bin),
                "HOME": str(self.folder / "home"),
                "LAPTOP": str(self.folder),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def installations(self) -> list[str]:
        """The arguments of each ``pip install`` so far."""
        log = self.folder / "installed"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop")
