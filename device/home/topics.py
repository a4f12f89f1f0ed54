"""MQTT topics of a device, made of names that may hold anything.

``/`` parts levels of a topic, ``+`` and ``#`` are wildcards, and a topic that begins with ``$`` is
the broker's own: none of them, and no space or control character, gets from a name into a topic.
Source: MQTT Version 5.0, section 4.7.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

ROOT = "liteberry"
MAX_SLUG = 48
DIGEST_DIGITS = 8


def slug(name: str) -> str:
    """``name`` as one level of a topic: a-z, 0-9 and _ alone, and never two names alike.

    What is lost on the way, such as all of a name in Chinese, is made up for by a digest of it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:MAX_SLUG].strip("_")
    if found and found.replace("_", " ") == name:
        return found
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_DIGITS]
    return f"{found}_{digest}" if found else digest


class Topics:
    """The topics of one device; ``prefix`` is where Home Assistant looks for new ones."""

    def __init__(self, device_id: str, prefix: str) -> None:
        self.base = f"{ROOT}/{device_id}"
        self.availability = f"{self.base}/availability"
        self.run = f"{self.base}/run"  # which run it is, so that two of one id notice each other
        self.events = f"{self.base}/events"
        self.discovery = f"{prefix}/device/{ROOT}_{device_id}/config"
        self.home_status = f"{prefix}/status"  # Home Assistant's own birth and will

    def state(self, name: str) -> str:
        """The retained state of ``name``, such as ``fps``."""
        return f"{self.base}/{name}"

    def command(self, name: str) -> str:
        """Where a change of ``name`` is asked for."""
        return f"{self.base}/{name}/set"

    def of_class(self, label: str, what: str) -> str:
        """The retained state of ``what`` (occupancy, count, picture) of a class."""
        return f"{self.base}/class/{slug(label)}/{what}"


def name_topic(name: str) -> str:
    """Where the id of the device with a name stands, so that a second of that name is noticed."""
    return f"{ROOT}/names/{slug(name)}"
