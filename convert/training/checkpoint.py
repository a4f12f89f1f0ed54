"""The state of a run on disk, whole or not at all: what ``--resume`` goes on from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.errors import TrainingError
from device.system.atomic_file import write_whole

FILE = "checkpoint.npz"
STATE = "state"
ADVICE = "free some space, then go on with --resume"

Arrays = dict[str, NDArray[np.float32]]


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a run is. What must be the same for ``--resume`` is in ``settings``."""

    settings: dict[str, str]
    step: int
    elapsed_s: float
    best_map: float
    best_step: int
    stopped: bool = False  # by the end of its budget, or since nothing became better


def save_checkpoint(
    folder: Path, progress: Progress, arrays: Mapping[str, NDArray[np.float32]]
) -> None:
    """Replace the checkpoint in ``folder``. Raises ``SinkError`` where the disk is full."""
    state = np.frombuffer(msgspec.json.encode(progress), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **{STATE: state}, **arrays)
    write_whole(folder / FILE, buffer.getvalue(), ADVICE)


def load_checkpoint(folder: Path) -> tuple[Progress, Arrays]:
    """The checkpoint in ``folder``. Raises :class:`TrainingError` where there is none to read."""
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        progress = msgspec.json.decode(arrays.pop(STATE).tobytes(), type=Progress)
    except FileNotFoundError as exc:
        raise TrainingError(
            f"{path}: no such file, so there is nothing to go on with: leave out --resume"
        ) from exc
    except (OSError, ValueError, EOFError, KeyError, msgspec.DecodeError) as exc:
        raise TrainingError(f"{path}: no checkpoint ({exc}); leave out --resume") from exc
    return progress, arrays
