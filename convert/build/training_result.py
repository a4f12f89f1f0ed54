"""What a training run came to: its bundle, and how good that is."""

from __future__ import annotations

import abc
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from convert.build.build import BuildOptions
from convert.build.trained import Trained, build_trained
from convert.build.training_run import TrainingRun
from convert.quantization.recipe import (
    HURRIED,
    PRECISIONS,
    TRAINED,
    TRAINED_ROUNDED,
    Int8Method,
    Precision,
)
from convert.training.weights_file import WEIGHTS, pack_weights
from device.bundle.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.evaluation.review import Gain, Review
    from convert.evaluation.validation import ClassThreshold
    from convert.training.trainer import Trainer

T = TypeVar("T", bound="Trainer")

GAINED: tuple[Precision, ...] = ("float32", "int8")  # in which what was gained is told


@dataclass(frozen=True, slots=True)
class TrainedFigures:
    """The manifest of a trained bundle, and the threshold of each class before it is rounded."""

    manifest: Manifest
    thresholds: Mapping[str, float]


class TrainingResult(abc.ABC, Generic[T]):
    """The best network of a run."""

    def __init__(self, run: TrainingRun[T], trainer: T) -> None:
        self._run = run
        self._trainer = trainer

    @abc.abstractmethod
    def _thresholds(self, hurried: bool) -> Mapping[str, ClassThreshold]:
        """The threshold of each class, and what it gives on validation images."""

    @abc.abstractmethod
    def _trained(
        self, weights: Sequence[NDArray[np.float32]], thresholds: Mapping[str, float]
    ) -> Trained:
        """What is built of ``weights``."""

    @abc.abstractmethod
    def _reviewed(
        self, bundle: Path, split: str, thresholds: Mapping[str, float], before: float | None
    ) -> Review:
        """How good the network is on the images of ``split``; it was built at ``bundle``."""

    def review(
        self, bundle: Path, thresholds: Mapping[str, float], before: float | None = None
    ) -> Review:
        """Write beside the files of ``bundle`` how good it is on test images, else on validation's.

        ``before`` is how well the network did on the test images from which training started.
        """
        from convert.evaluation.review import write_review

        split = "test" if self._run.dataset.test else "validation"
        rounded = None if before is None else round(before, 4)
        review = self._reviewed(bundle, split, thresholds, rounded)
        write_review(review, bundle)
        return review

    def _gains(
        self,
        bundle: Path,
        thresholds: Mapping[str, float],
        measure: Callable[[Path], Mapping[str, float]],
    ) -> tuple[Gain, ...]:
        """What the network at ``bundle`` reaches, after what it did before ``--qat`` rounded it.

        ``measure`` looks at the variants :data:`GAINED` of a bundle.
        """
        from convert.evaluation.review import Gain

        gains = []
        if self._trainer.state.rounded:
            unrounded = self._trained(self._trainer.state.unrounded, thresholds)
            with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
                self._built(unrounded, Path(scratch), GAINED, TRAINED)
                found = measure(Path(scratch))
            gains.append(Gain("before it was rounded", found["float32"], found["int8"]))
        found = measure(bundle)
        gains.append(Gain("this network", found["float32"], found["int8"]))
        return tuple(gains)

    def build(self, bundle: Path, *, hurried: bool = False) -> TrainedFigures:
        """Fill the empty folder ``bundle`` with the best network.

        ``hurried``: somebody waits, thresholds are taken from fewer images, and int8 is fitted in
        the way that takes least time.
        """
        from convert.training.log import FILE

        chosen = self._thresholds(hurried)
        for name, item in chosen.items():
            self._run.say(
                f"threshold   {name} {item.threshold:.2f}: precision {item.precision:.2f}, recall "
                f"{item.recall:.2f} on validation images"
            )
        thresholds = {name: item.threshold for name, item in chosen.items()}
        weights = self._trainer.average.get_weights()
        trained = self._trained(weights, thresholds)
        manifest = self._built(trained, bundle, PRECISIONS, self._int8_method(hurried))
        # After the manifest, which vouches only for what travels to a Pi.
        (bundle / WEIGHTS).write_bytes(
            pack_weights(self._trainer.average, self._run.dataset.classes)
        )
        if (self._run.options.work / FILE).is_file():
            shutil.copyfile(self._run.options.work / FILE, bundle / FILE)
        return TrainedFigures(manifest, thresholds)

    def _int8_method(self, hurried: bool) -> Int8Method:
        if self._trainer.state.rounded:
            return TRAINED_ROUNDED
        return HURRIED if hurried else TRAINED

    def _built(
        self, trained: Trained, bundle: Path, precisions: tuple[Precision, ...], int8: Int8Method
    ) -> Manifest:
        seed, debug = self._run.options.seed, self._run.options.debug
        options = BuildOptions(precisions, None, 0, seed, debug, int8=int8)
        return build_trained(trained, self._run.dataset, bundle, options, self._run.say)

    def _source(self, start: str) -> str:
        """Where the network comes from, as its provenance tells; ``start`` is what it began as."""
        run, step = self._run, self._trainer.state.best_step
        images = f"{len(run.dataset.train)} images of {run.options.dataset.name}"
        return f"{images}, {step} steps from {run.options.start_from or start}"
