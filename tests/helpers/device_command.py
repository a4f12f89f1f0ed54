"""The device's commands, run in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.device.conftest import Ran


def spawn(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """``python -m device ...`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "device", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(child: subprocess.Popen[str], timeout: float = 60) -> Ran:
    out, err = child.communicate(timeout=timeout)
    return Ran(child.returncode, out, err)


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
