"""A task for ``convert slim``: a network, pictures, and what the user asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.compression.cost_model import Board
from convert.evaluation.predict import Looker
from convert.quantization.candidate_spec import WeightBits
from convert.slimming.original import Original
from convert.training.dataset import Dataset
from convert.tuning.cost import Target


@dataclass(frozen=True, slots=True)
class SlimOptions:
    """What the user asked ``convert slim`` for; None where nothing was said."""

    out: Path
    max_drop: float | None = None
    costs: tuple[float, ...] = ()  # multiples of the whole network's, to be reached
    size: int | None = None
    low_rank: float = 0.0  # share of a 1x1 kernel that two in its place may leave out
    weight_bits: WeightBits = 8  # of the int8 that the search ends in
    weight_clusters: int = 0
    target: Target = "pi4"
    seconds: float = 3600.0
    epochs: int | None = None  # for each network, instead of seconds for all
    resume: bool = False
    seed: int = 0
    debug: bool = False

    @property
    def work(self) -> Path:
        """Where the networks made so far and small copies of images are."""
        return self.out.parent / f"{self.out.name}.slimming"

    @property
    def board(self) -> Board:
        """Whose instructions networks are ranked by; ``here`` only measures the last."""
        return "pi4" if self.target == "pi4" else "pi5"


@dataclass(frozen=True, slots=True)
class SlimTask:
    """The whole network, the pictures it is made smaller on, and the user's options."""

    original: Original
    dataset: Dataset
    options: SlimOptions
    labelled: bool  # False: the pictures have no boxes but the whole network's
    looker: Looker | None = None  # who runs finished variants, as for convert.evaluation.predict

    @property
    def taught(self) -> bool:
        """Whether smaller networks learn from what the whole one finds, not from labels alone.

        Labels of all its classes say what a network trained here has learnt, and without a teacher
        three times as many images are shown in the same time. COCO's network knows more than the
        labels of some pictures say, and a class of which they show nothing would be forgotten.
        """
        shown = {
            int(number)
            for image in self.dataset.train
            for number in image.class_ids[~image.ignored]
        }
        every = len(shown) == len(self.original.labels)
        return not self.labelled or self.original.published or not every
