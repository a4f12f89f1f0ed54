"""The file of a plan's places: zones, lines and masks as they were drawn.

It is a file of its own beside the settings. Settings are a person's, with comments, and a service
is given them to read alone; this one is the program's, written anew whenever somebody draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from device.errors import UsageError
from device.system.atomic_file import write_whole
from device.system.toml_text import tables_text
from device.toml_file import TomlError, read_toml

PLACES = ("zone", "line", "mask")
HEAD = "# Zones, lines and masks. The live page writes this file anew when they are drawn there.\n"

Tables = Mapping[str, Sequence[Any]]


def read_places(path: Path) -> dict[str, list[Any]] | None:
    """The tables ``zone``, ``line`` and ``mask`` of the file; None where there is no such file.

    Raises ``UsageError`` where it cannot be read: a mask may be in it, without which more would be
    shown than is meant to be.
    """
    try:
        found = read_toml(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}") from exc
    except TomlError as exc:
        raise UsageError(f"{path} is not TOML: {exc}; mend it, or move it away") from exc
    for name, value in found.items():
        if name not in PLACES:
            raise UsageError(f"{path}: {name!r} is not expected; it may have {', '.join(PLACES)}")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise UsageError(f"{path}: {name} is expected as tables, each under [[{name}]]")
    return found


def write_places(path: Path, tables: Tables) -> None:
    """Write the file whole. Raises ``SinkError`` where that is not possible."""
    places = {name: tables.get(name, ()) for name in PLACES}
    write_whole(
        path, (HEAD + tables_text(places)).encode(), "the zones stay as they were: give --zones "
        "a file that this run may write to",
    )  # fmt: skip
