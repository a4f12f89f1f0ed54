"""A mosquitto on this machine, for measurements with a real broker."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"


def free_port(host: str = HOST) -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])


class Mosquitto:
    """The real one, which can be killed and started again; ``within`` are words before its own."""

    def __init__(self, host: str = HOST, within: tuple[str, ...] = ()) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            sys.exit("home.py: mosquitto is not installed (Debian: mosquitto)")
        self.host, self.port = host, free_port()
        self._folder = tempfile.TemporaryDirectory()
        config = Path(self._folder.name) / "mosquitto.conf"
        config.write_text(f"listener {self.port} {host}\nallow_anonymous true\nuser root\n")
        self._command = [*within, program, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; when it listened, by the monotonic clock."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return time.monotonic()
            time.sleep(0.01)

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
