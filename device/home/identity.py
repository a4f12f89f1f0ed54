"""Identity of a device: an id that stays the same through every redeploy, and a name for people."""

from __future__ import annotations

import hashlib
import re
import socket
import uuid
from pathlib import Path

from device.errors import UsageError
from device.system.board import HERE, read_text

# The serial number of a Pi's board; else what an installation of a system was given as its own.
SOURCES = ("proc/device-tree/serial-number", "etc/machine-id")
DIGITS = 12
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def device_id(root: Path = HERE) -> str:
    """The id of the machine below ``root``: the same for every release, run and user of it.

    A digest, for a serial number is nobody's business, and machine-id(5) asks not to be told as
    it is.
    """
    texts = (read_text(root / source).strip("\0\n ") for source in SOURCES)
    own = next((text for text in texts if text), f"{uuid.getnode():012x}")
    return hashlib.sha256(f"liteberry {own}".encode()).hexdigest()[:DIGITS]


def checked_id(text: str) -> str:
    """``text`` if it can be an id. Raises ``UsageError``."""
    if not PLAIN_ID.fullmatch(text):
        raise UsageError(
            f"--mqtt-id {text!r}: up to 64 letters, digits, - and _ are expected, such as garden-2"
        )
    return text


def host_name() -> str:
    """The name of this machine, without its domain."""
    return socket.gethostname().partition(".")[0] or "liteberry"
