"""TOML files that people wrote: bounded in size and depth, with one error for all that is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from device.files import MOST_OF_A_TEXT, read_regular

MOST_LEVELS = 32  # of tables and arrays in each other: settings need four

# A key of many parts takes tomllib time by the square of them: 20,000 took a quarter of a minute.
# Words are taken whole and from their first letter: else a long one is looked through from each.
_PART = r"""(?:(?<![\w-])[\w-]++|"[^"\n]{0,200}"|'[^'\n]{0,200}')"""
_LONG_KEY = re.compile(rf"(?:{_PART}[ \t]*+\.[ \t]*+){{{MOST_LEVELS}}}")


class TomlError(ValueError):
    """No TOML, or more than settings are; the text says what, in one line."""


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file. Raises ``OSError``, and :class:`TomlError` for what is none."""
    data = read_regular(path, MOST_OF_A_TEXT)
    try:
        text = data.decode("utf-8")
        if _LONG_KEY.search(text):
            raise TomlError(f"a key of more than {MOST_LEVELS} parts")
        content = tomllib.loads(text)
    except RecursionError as exc:
        raise TomlError(f"more than {MOST_LEVELS} levels deep") from exc
    except ValueError as exc:  # also for a number of thousands of digits
        raise TomlError(str(exc)) from exc
    if _levels(content) > MOST_LEVELS:
        raise TomlError(f"more than {MOST_LEVELS} levels deep")
    return content


def _levels(content: object) -> int:
    """How many tables and arrays are in each other."""
    level, inside = 0, [content]
    while inside := [item for item in inside if isinstance(item, dict | list)]:
        level += 1
        inside = [
            item
            for holder in inside
            for item in (holder.values() if isinstance(holder, dict) else holder)
        ]
    return level
