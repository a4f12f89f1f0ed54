"""Autotune: the interpreter and threads that were measured to be best here, remembered.

``bench --tune`` saves them, ``detect`` loads them. They lie outside the bundle, in one file of
the user's state folder, for the same bundle runs on many boards: on a Pi 3 three threads beat
four, on a Pi 5 they do not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device.bundle.model import Model
from device.json_text import decode_json
from device.runtimes import InterpreterName, installed_interpreters
from device.schema import Count, Record
from device.system.atomic_file import write_whole
from device.system.state_folder import state_folder

if TYPE_CHECKING:
    from device.system.board import Board


class TunedSettings(Record, frozen=True):
    """What was best for one variant on one board, and what it was measured to do there."""

    interpreter: InterpreterName
    version: str
    threads: Count
    fps: float
    measured_at: str  # ISO 8601, UTC


# By board, then by bundle, then by variant.
_Choices = dict[str, dict[str, dict[str, TunedSettings]]]


def state_file() -> Path:
    """Where choices are kept."""
    return state_folder() / "choices.json"


def load_choice(board: Board, model: Model, variant: str) -> TunedSettings | None:
    """What was found best for ``variant`` here; None where nothing holds.

    A choice for another version of the interpreter than is installed holds no more, nor does a
    file that is damaged: both are only a memory, and ``bench --tune`` makes them anew.
    """
    found = _load().get(_key(board), {}).get(model.sha256, {}).get(variant)
    if found is None:
        return None
    return found if installed_interpreters().get(found.interpreter) == found.version else None


def save_choice(board: Board, model: Model, variant: str, choice: TunedSettings) -> Path:
    """Remember ``choice``; returns the file. Raises ``SinkError`` where it cannot be written."""
    path = state_file()
    choices = _load()
    choices.setdefault(_key(board), {}).setdefault(model.sha256, {})[variant] = choice
    data = msgspec.json.format(msgspec.json.encode(choices), indent=1) + b"\n"
    write_whole(path, data, "set XDG_STATE_HOME to another folder")
    return path


def _key(board: Board) -> str:
    return f"{board.title}, {board.cpu.cores} cores"


def _load() -> _Choices:
    try:
        return decode_json(state_file().read_bytes(), _Choices)
    except (OSError, msgspec.DecodeError):
        return {}
