"""Changes that are asked for by MQTT: strangers' bytes, read by pattern."""

from __future__ import annotations

import re

from device.errors import UsageError
from device.home.discovery import OFF, ON
from device.pipeline.live_settings import SettingsChange

MOST_BYTES = 64  # the name of a variant is the longest
NUMBER = re.compile(r"[0-9]{0,3}(\.[0-9]{1,17})?")


def read_change(name: str, payload: bytes) -> SettingsChange:
    """The change of the setting ``name`` (threshold, variant, paused) that ``payload`` asks for.

    Raises ``UsageError``.
    """
    try:
        text = payload.decode("utf-8").strip() if len(payload) <= MOST_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    if name == "threshold" and text and NUMBER.fullmatch(text) and 0 < float(text) <= 1:
        return SettingsChange(threshold=float(text))
    if name == "paused" and text in (ON, OFF):
        return SettingsChange(paused=text == ON)
    if name == "variant" and text.isprintable() and text:
        return SettingsChange(variant=text)
    expected = {"threshold": "a number above 0, at most 1", "paused": f"{ON} or {OFF}"}
    shown = payload[:MOST_BYTES].decode("utf-8", "replace")
    raise UsageError(f"{name} {shown!r}: {expected.get(name, 'the name of a variant')} is expected")
