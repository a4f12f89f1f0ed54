"""Check of what reports to a home: whether what the settings ask for is installed."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.files import MOST_OF_A_TEXT, read_regular

SETTINGS = "settings.toml"
# Module -> what pip calls it, and how settings ask for it. By pattern: old Pythons read no TOML.
ASKED_FOR = {
    "paho": ("paho-mqtt", "MQTT", re.compile(r"^\s*(\[\s*mqtt\s*\]|mqtt_host\s*=)", re.MULTILINE)),
    "apprise": ("apprise", "messages", re.compile(r"^\s*notify\s*=", re.MULTILINE)),
}


def check_home(case: Case) -> Iterator[Finding]:
    """Whether MQTT and messages, where settings ask for them, have their packages.

    The settings are the service's, two folders above its release, or those in this folder.
    """
    texts = [_read(place) for place in (*case.release.parents[1:2], case.folder)]
    for module, (package, what, pattern) in ASKED_FOR.items():
        if not any(pattern.search(text) for text in texts):
            continue
        if importlib.util.find_spec(module) is None:
            yield Finding(
                "home",
                "problem",
                f"{SETTINGS} asks for {what}, and {package} is not installed",
                case.python.pip(f"install {package}")
                + "   # on a Pi: ./deploy.sh HOST on the laptop, which does it by its lock",
            )
        else:
            yield Finding("home", "ok", f"{package} is installed, for {what}")


def _read(folder: Path) -> str:
    try:
        return read_regular(folder / SETTINGS, MOST_OF_A_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""
