"""Cameras that libcamera sees, as its own tool lists them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("rpicam-hello", "libcamera-hello")  # the second until Raspberry Pi OS Bookworm
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Listing:
    """What ``rpicam-hello --list-cameras`` said. ``error`` is why it said nothing."""

    sensors: tuple[str, ...] = ()  # on the board's own connector, such as "imx708 4608x2592"
    error: str | None = None


def list_cameras(root: Path) -> Listing:
    """Ask the tool below ``root`` for the cameras on the board's own connectors."""
    tool = next(
        (root / "usr/bin" / name for name in TOOLS if (root / "usr/bin" / name).exists()), None
    )
    if tool is None:
        return Listing(error=f"{TOOLS[0]} is not installed")
    try:
        done = subprocess.run(
            [tool, "--list-cameras"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Listing(error=f"{tool.name} gave no answer in {TIMEOUT_S:.0f} s")
    except OSError as exc:
        return Listing(error=f"{tool.name}: {exc.strerror}")
    sensors = parse_listing(done.stdout)
    if not sensors and "No cameras available" not in done.stdout:
        last = (done.stdout.strip().splitlines() or ["nothing said"])[-1]
        return Listing(error=f"{tool.name} failed: {last}")
    return Listing(sensors)


def parse_listing(text: str) -> tuple[str, ...]:
    """Sensors in a listing, without cameras on USB, which need no libcamera.

    A line is ``0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)``.
    """
    found = re.findall(r"^\s*\d+ : (.+?) \[(\d+x\d+)[^]]*\] \((.*)\)\s*$", text, re.MULTILINE)
    return tuple(f"{name} {size}" for name, size, path in found if "/usb" not in path)
