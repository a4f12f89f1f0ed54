"""Runs with everything on, in processes of their own, that are watched from outside."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT
from tests.helpers.children import PATIENCE_S, start, wait_until

# How often what can go wrong is made to: `make test-endurance RUNS=...`.
RUNS = int(os.environ.get("LITEBERRY_RUNS", "8"))

SCENE = """
[[zone]]
name = "left"
points = [[0.0, 0.0], [0.6, 0.0], [0.6, 1.0], [0.0, 1.0]]
queue = true

[[line]]
name = "door"
start = [0.5, 0.9]
end = [0.5, 0.1]

[[rule]]
name = "somebody"
when = "left: occupied for 1 s"
"""


def everything(bundle: Path, folder: Path, labels: str) -> list[object]:
    """The command of a run on the demo with clips, visits, counts, logs and the page."""
    settings = folder / "settings.toml"
    settings.write_text(SCENE)
    return [
        sys.executable, "-m", "device", "detect", bundle, "--variant", "int8", "--source", "demo",
        "--config", settings, "--on", labels, "--record", 1, "--clips", folder / "clips",
        "--quota", 20, "--events", folder / "visits.db", "--events-quota", 20,
        "--counts", folder / "counts", "--log", folder / "seen.jsonl", "--log-size", 5,
        "--serve", "127.0.0.1:0",
    ]  # fmt: skip


class WatchedRun:
    """A run that shows its page, and what can be known of it from outside."""

    def __init__(self, child: subprocess.Popen[str], said: Path) -> None:
        self.child = child
        self._said = said
        self.host = wait_until(self._address, "it never said where its page is")

    def said(self) -> str:
        """Standard error so far."""
        return self._said.read_text()

    def _address(self) -> str:
        assert self.child.poll() is None, self.said()
        found = re.search(r"watch it at http://([^/]+)/", self.said())
        return found[1] if found else ""

    def get(self, path: str) -> bytes:
        """What the page answers."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            with connection.getresponse() as answer:
                return answer.read()

    def frames(self) -> int:
        """How many frames are finished."""
        found = re.search(rb"^liteberry_frames_total (\S+)$", self.get("/metrics"), re.MULTILINE)
        return int(float(found[1])) if found else 0

    def kilobytes(self, what: str) -> int:
        """A line of the kernel's account, such as ``RssAnon``: memory that is no file's."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        found = re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, status
        return int(found[1])


@contextlib.contextmanager
def watched(command: list[object], folder: Path) -> Iterator[WatchedRun]:
    """Start a run whose command has a page; it is killed at the end, where it still runs."""
    said = folder / "said.txt"
    with said.open("w") as file, start(command, cwd=ROOT, stdout=file, stderr=file) as child:
        try:
            yield WatchedRun(child, said)
        finally:
            child.kill()
