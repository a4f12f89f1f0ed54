"""What the training of a classifier came to: its bundle, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.classifier_run import ClassifierRun
from convert.build.trained_classifier import TrainedClassifier
from convert.build.training_result import GAINED, TrainingResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

    def _reviewed(
        self, bundle: Path, split: str, thresholds: Mapping[str, float], before: float | None
    ) -> Review:
        from convert.evaluation.class_review import review_classifier
        from convert.evaluation.variant_precision import variant_accuracy
        from convert.training.classifier_network import float_answers

        judge = self._run.validator(split)
        gains: tuple[Gain, ...] = ()
        if self._trainer.state.rounded:
            gains = self._gains(
                bundle, thresholds, lambda folder: variant_accuracy(folder, judge, GAINED)
            )
        return review_classifier(
            split,
            judge,
            judge.probabilities(float_answers(self._trainer.average, judge.pixels)),
            thresholds,
            self._run.dataset.train,
            before,
            gains,
        )
