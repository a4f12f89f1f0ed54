"""The device's commands, run in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.conftest import ROOT
from tests.device.conftest import Ran
from tests.helpers.children import start


def spawn(
    *arguments: object,
    ignoring: Collection[int] = (),
    file_limit: int | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """``python -m device ...`` in a process of its own, whose files may grow to ``file_limit``."""
    command = [sys.executable, "-m", "device", *arguments]
    if file_limit is not None:
        command = ["sh", "-c", 'ulimit -f "$0"; exec "$@"', file_limit // 512, *command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return start(command, ignoring=ignoring, cwd=ROOT, env=env, **pipes)


def finish(child: subprocess.Popen[str]) -> Ran:
    """What a child has said and how it ended, which is waited for."""
    with child:
        out, err = child.communicate()
    return Ran(child.returncode, out, err)


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
