"""TOML text: what Python's standard library reads and does not write."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence


def value_text(value: object) -> str:
    """A value as TOML, which is JSON but for what is in braces."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key_text(name)} = {value_text(item)}" for name, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    # TOML has the character DEL escaped, and JSON has not.
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")


def key_text(name: str) -> str:
    """A name as a key, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else value_text(name)


def tables_text(tables: Mapping[str, Sequence[Mapping[str, object]]]) -> str:
    """Arrays of tables, each table under ``[[name]]``."""
    lines = []
    for name, entries in tables.items():
        for entry in entries:
            lines.append(f"\n[[{name}]]\n")
            lines += [f"{key_text(key)} = {value_text(value)}\n" for key, value in entry.items()]
    return "".join(lines)
