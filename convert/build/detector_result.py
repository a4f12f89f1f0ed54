"""What the training of a detector came to: its bundle, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.detector_run import DetectorRun
from convert.build.trained import TrainedDetector, decoder_rule, input_rule
from convert.build.training_result import GAINED, TrainingResult
from convert.build.training_run import MOST_JUDGED
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.training.dataset import TrainingImage
from convert.training.trainable_bundle import bundle_layout, bundle_network

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.evaluation.coco_map import Precision as MeanPrecision
    from convert.evaluation.review import Gain, Review
    from convert.evaluation.validation import ClassThreshold, DetectionValidator
    from convert.training.ssd_trainer import SsdTrainer


class DetectorResult(TrainingResult["SsdTrainer"]):
    """The best detector of a run."""

    _run: DetectorRun

    def __init__(self, run: DetectorRun, trainer: SsdTrainer) -> None:
        super().__init__(run, trainer)

    def _thresholds(self, hurried: bool) -> Mapping[str, ClassThreshold]:
        judge = self._run.watched if hurried else self._run.validator(MOST_JUDGED)
        return judge.thresholds(judge.find(self._trainer.answers(judge.pixels)))

    def _trained(
        self, weights: Sequence[NDArray[np.float32]], thresholds: Mapping[str, float]
    ) -> TrainedDetector:
        from convert.training.network import model_architecture

        return TrainedDetector(
            name=self._run.options.out.name,
            classes=self._run.dataset.classes,
            layout=self._run.layout,
            weights=weights,
            class_thresholds=thresholds,
            source=self._source(SSDLITE_MOBILENET_V2.title),
            architecture=model_architecture(self._trainer.average),
        )

    def _reviewed(
        self, bundle: Path, split: str, thresholds: Mapping[str, float], before: float | None
    ) -> Review:
        from convert.evaluation.review import make_review
        from convert.training.network import heads_of

        judge = self._run.validator(MOST_JUDGED, split)
        heads = self._trainer.answers(judge.pixels)
        if self._trainer.state.rounded:  # the review is of float32
            classes = len(self._run.dataset.classes)
            heads = heads_of(self._trainer.average, classes, judge.pixels)
        found = judge.find(heads)
        return make_review(
            split,
            judge.images,
            found,
            judge.precision(found),
            thresholds,
            self._run.dataset.train,
            before,
            self._all_gains(bundle, judge, thresholds),
        )

    def _all_gains(
        self, bundle: Path, judge: DetectionValidator, thresholds: Mapping[str, float]
    ) -> tuple[Gain, ...]:
        """What ``--teacher`` and ``--qat`` gave, on the images of ``judge``; empty without."""
        from convert.evaluation.review import Gain
        from convert.evaluation.variant_precision import variant_precision

        def measure(folder: Path) -> dict[str, float]:
            found = variant_precision(folder, judge, GAINED)
            return {precision: found[precision].map for precision in GAINED}

        teacher = self._run.teacher
        if teacher is None and not self._trainer.state.rounded:
            return ()
        gains = self._gains(bundle, thresholds, measure)
        if teacher is None:
            return gains
        taught = self._taught_precision(judge.images)
        return (Gain(f"the teacher, {teacher.folder.name}", taught.map), *gains)

    def _taught_precision(self, images: Sequence[TrainingImage]) -> MeanPrecision:
        """The teacher's own, float, on ``images``."""
        from convert.evaluation.validation import DetectionValidator
        from convert.training.network import heads_of

        assert self._run.teacher is not None
        classes, layout = self._run.dataset.classes, bundle_layout(self._run.teacher)
        judge = DetectionValidator(
            images, classes, input_rule(layout.size), decoder_rule(), layout.anchors()
        )
        model = bundle_network(self._run.teacher, classes, self._run.options.weights)
        return judge.precision(judge.find(heads_of(model, len(classes), judge.pixels)))
