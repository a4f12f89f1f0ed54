"""Options of ``convert train``, and what of them must be the same for a run taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What the user asked ``convert train`` for; None where nothing was said."""

    dataset: Path
    out: Path
    size: int | None = None
    seconds: float | None = 1200.0
    epochs: int | None = None
    resume: bool = False
    start_from: Path | None = None
    seed: int = 0
    weights: Path | None = None
    rounded: bool = False  # --qat: the last part with the rounding of int8
    teacher: Path | None = None
    unlabelled: Path | None = None
    tensorboard: Path | None = None
    debug: bool = False

    @property
    def work(self) -> Path:
        """Where the run's checkpoint, its log and small copies of the images are."""
        return self.out.parent / f"{self.out.name}.training"

    @property
    def settings(self) -> dict[str, str]:
        """What must be the same for a run that is taken up again."""
        return {
            "dataset": str(self.dataset.resolve()),
            "seed": str(self.seed),
            "epochs": str(self.epochs),
            "from": str(self.start_from),
            "qat": "yes" if self.rounded else "no",
            "teacher": str(self.teacher),
            "unlabelled": str(self.unlabelled),
        }
