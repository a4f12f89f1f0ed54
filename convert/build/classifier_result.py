"""What the training of a classifier came to: its bundle, and how good that is."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.classifier_run import ClassifierRun
from convert.build.trained_classifier import TrainedClassifier
from convert.build.training_result import TrainingResult
from convert.quantization.recipe import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.evaluation.classification import ClassificationValidator
    from convert.evaluation.review import Gain, Review
    from convert.evaluation.validation import ClassThreshold
    from convert.training.classifier_trainer import ClassifierTrainer


class ClassifierResult(TrainingResult["ClassifierTrainer"]):
    """The best classifier of a run."""

    _run: ClassifierRun

    def __init__(self, run: ClassifierRun, trainer: ClassifierTrainer) -> None:
        super().__init__(run, trainer)

    def _thresholds(self, hurried: bool) -> Mapping[str, ClassThreshold]:
        judge = self._run.watched if hurried else self._run.validator()
        return judge.thresholds(judge.probabilities(self._trainer.answers(judge.pixels)))

    def _trained(
        self, weights: Sequence[NDArray[np.float32]], thresholds: Mapping[str, float]
    ) -> TrainedClassifier:
        return TrainedClassifier(
            name=self._run.options.out.name,
            classes=self._run.dataset.classes,
            size=self._run.size,
            weights=weights,
            class_thresholds=thresholds,
            source=self._source(self._run.started_from),
        )

    def review(
        self, bundle: Path, thresholds: Mapping[str, float], before: float | None = None
    ) -> Review:
        """Write beside the files of ``bundle`` how good it is on test images, else on validation's.

        ``before`` is how well the network did on the test images from which training started.
        """
        from convert.evaluation.class_review import review_classifier
        from convert.evaluation.review import write_review

        split = "test" if self._run.dataset.test else "validation"
        judge = self._run.validator(split)
        review = review_classifier(
            split,
            judge,
            judge.probabilities(self._float_answers(judge)),
            thresholds,
            self._run.dataset.train,
            None if before is None else round(before, 4),
            self._gains(bundle, judge, thresholds),
        )
        write_review(review, bundle)
        return review

    def _float_answers(self, judge: ClassificationValidator) -> list[NDArray[np.float32]]:
        from convert.training.classifier_network import float_answers

        return float_answers(self._trainer.average, judge.pixels)

    def _gains(
        self, bundle: Path, judge: ClassificationValidator, thresholds: Mapping[str, float]
    ) -> tuple[Gain, ...]:
        """What ``--qat`` gave, on the images of ``judge``; empty without."""
        from convert.evaluation.review import Gain
        from convert.evaluation.variant_precision import variant_accuracy

        if not self._trainer.state.rounded:
            return ()
        both: tuple[Precision, ...] = ("float32", "int8")
        weights = self._trainer.state.unrounded
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            unrounded = self._trained(weights, thresholds)
            self._built(unrounded, Path(scratch), both, rounded=False)
            before = variant_accuracy(Path(scratch), judge, both)
        now = variant_accuracy(bundle, judge, both)
        return tuple(
            Gain(name, found["float32"], found["int8"])
            for name, found in (("before it was rounded", before), ("this network", now))
        )
