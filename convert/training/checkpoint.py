"""Checkpoints: the state of a run on disk, whole or not at all, from which ``--resume`` goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.errors import TrainingError
from convert.models.array_archive import DAMAGED, pack_arrays, read_arrays
from convert.training.state import Arrays, RunState
from device.system.atomic_file import write_whole

FILE = "checkpoint.npz"
STATE = "state"


def space_advice(folder: Path) -> str:
    """What to do about a full disk: there is something to go on from, or there is not."""
    begun = (folder / FILE).is_file()
    return f"free some space, then {'go on with --resume' if begun else 'begin again'}"


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a run is. What must be the same for ``--resume`` is in ``settings``."""

    settings: dict[str, str]
    step: int
    elapsed_s: float
    best_score: float
    best_step: int
    best_progress: float
    rounded: bool = False

    @classmethod
    def of(cls, settings: dict[str, str], state: RunState) -> Checkpoint:
        """Of a run with ``settings`` that is at ``state``; its arrays are kept apart."""
        return cls(
            settings,
            state.step,
            state.elapsed_s,
            state.best_score,
            state.best_step,
            state.best_progress,
            state.rounded,
        )

    def state(self) -> RunState:
        """The state to go on from, still without the best weights."""
        return RunState(
            self.step,
            self.elapsed_s,
            self.best_score,
            self.best_step,
            self.best_progress,
            rounded=self.rounded,
        )

    def require(self, settings: Mapping[str, str]) -> None:
        """Raise :class:`TrainingError` where the run had other ``settings``."""
        require_settings("the run", self.settings, settings)


def require_settings(what: str, had: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise :class:`TrainingError` where ``what`` is to be taken up again with other settings."""
    for name, value in now.items():
        if (was := had.get(name)) != value:
            raise TrainingError(
                f"--resume: {what} had {name} {was}, now it is {value}: go on with what it "
                "had, or leave out --resume and start anew"
            )


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, arrays: Mapping[str, NDArray[np.float32]]
) -> None:
    """Replace the checkpoint in ``folder``. Raises ``SinkError`` where the disk is full."""
    state = np.frombuffer(msgspec.json.encode(checkpoint), np.uint8)
    archive = pack_arrays({STATE: state, **arrays})
    write_whole(folder / FILE, archive, space_advice(folder))


def load_checkpoint(folder: Path) -> tuple[Checkpoint, Arrays]:
    """The checkpoint in ``folder``. Raises :class:`TrainingError` where there is none to read."""
    path = folder / FILE
    try:
        arrays = read_arrays(path)
        checkpoint = msgspec.json.decode(arrays.pop(STATE).tobytes(), type=Checkpoint)
    except FileNotFoundError as exc:
        raise TrainingError(
            f"{path}: no such file, so there is nothing to go on with: leave out --resume"
        ) from exc
    except (OSError, *DAMAGED, msgspec.DecodeError) as exc:
        raise TrainingError(f"{path}: no checkpoint ({exc}); leave out --resume") from exc
    return checkpoint, arrays
