"""The networks that a search has made, on disk: what ``--resume`` goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from convert.errors import TrainingError
from convert.models.array_archive import DAMAGED, pack_arrays, read_arrays
from convert.models.layer_weights import LayerWeights, named_arrays, weights_of_arrays
from convert.training.checkpoint import require_settings
from device.system.atomic_file import write_whole

ADVICE = "free some space, then go on with --resume"


class FinishedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network that was made; ``goal`` is the cost asked for, None with all channels.

    ``left_out`` is of 1x1 kernels that were split for this step; its parents' may be too.
    """

    size: int
    goal: float | None
    parent: int
    drop: float
    distance: float
    anchor_scale: float = 1.0
    left_out: float = 0.0


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All networks of a search, and what must be the same for one that is taken up again."""

    settings: dict[str, str]
    steps: tuple[FinishedStep, ...] = ()

    def require(self, settings: Mapping[str, str]) -> None:
        """Raise :class:`TrainingError` where the search had other ``settings``."""
        require_settings("the search", self.settings, settings)


def save_progress(folder: Path, progress: Progress, weights: LayerWeights | None = None) -> None:
    """Write ``progress``, and before it the ``weights`` of its last step.

    Raises ``SinkError`` where the disk is full.
    """
    if weights is not None:
        archive = pack_arrays(named_arrays(weights))
        write_whole(_step_file(folder, len(progress.steps) - 1), archive, ADVICE)
    write_whole(folder / "slimming.json", msgspec.json.encode(progress), ADVICE)


def load_progress(folder: Path) -> tuple[Progress, list[LayerWeights]]:
    """What :func:`save_progress` wrote. Raises :class:`TrainingError` where it cannot be read."""
    path = folder / "slimming.json"
    try:
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
        files = [_step_file(folder, number) for number in range(len(progress.steps))]
        weights = [weights_of_arrays(read_arrays(file)) for file in files]
    except FileNotFoundError as exc:
        raise TrainingError(
            f"{exc.filename}: no such file, so there is nothing to go on with: leave out --resume"
        ) from exc
    except (OSError, *DAMAGED, msgspec.DecodeError) as exc:
        raise TrainingError(f"{path}: no search to go on with ({exc}): leave out --resume") from exc
    return progress, weights


def _step_file(folder: Path, number: int) -> Path:
    return folder / f"step-{number:02d}.npz"
