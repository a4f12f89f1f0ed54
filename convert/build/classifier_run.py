"""The training run of a classifier: a folder per class, MobileNetV2, ImageNet's weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.train_options import TrainOptions
from convert.build.trained import CALIBRATION_IMAGES, input_rule, spread
from convert.build.training_run import MOST_JUDGED, MOST_VALIDATED, Say, TrainingRun
from convert.errors import WeightsError
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.output_capture import quiet
from convert.training.dataset import Dataset, TrainingImage
from convert.training.input_size import check_size
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle

if TYPE_CHECKING:
    from convert.evaluation.classification import ClassificationValidator
    from convert.training.batches import Batches
    from convert.training.classifier_network import ClassifierStart
    from convert.training.classifier_trainer import ClassifierTrainer

SIZE = 224  # of the published weights


class ClassifierRun(TrainingRun["ClassifierTrainer"]):
    """A classifier's training on one dataset."""

    def __init__(self, dataset: Dataset, options: TrainOptions, say: Say) -> None:
        """Find out what can be known before TensorFlow is imported. Raises ``DatasetError``."""
        super().__init__(dataset, options, say)
        self.size = options.size or SIZE
        if options.size is None and options.start_from is not None:
            self.size = Bundle(options.start_from).manifest.input.width
        self.started_from = ""  # until there is a trainer
        check_size(self.size)
        say(f"input       {self.size}x{self.size}, the whole image")

    @functools.cached_property
    def watched(self) -> ClassificationValidator:
        """What is looked at after each epoch: some images of every class."""
        return self.validator_of(spread(self._by_class(), MOST_VALIDATED))

    def _by_class(self) -> list[TrainingImage]:
        return sorted(self.dataset.validation, key=lambda image: int(image.class_ids[0]))

    def validator(self, split: str = "validation") -> ClassificationValidator:
        """What is to be told of the images of a split, at most :data:`MOST_JUDGED`."""
        return self.validator_of(spread(getattr(self.dataset, split), MOST_JUDGED))

    def validator_of(self, images: Sequence[TrainingImage]) -> ClassificationValidator:
        """What is to be told of ``images``."""
        from convert.evaluation.classification import ClassificationValidator

        return ClassificationValidator(images, self.dataset.classes, input_rule(self.size))

    def start(self) -> ClassifierStart:
        """The weights to start from. Raises ``WeightsError``."""
        from convert.training.classifier_network import trained_classifier

        options = self.options
        if options.start_from is not None:
            return trained_classifier(options.start_from / WEIGHTS)
        if options.weights is not None and options.weights.is_dir():
            return self._detector_backbone(options.weights)
        try:
            return self._imagenet(options.weights)
        except WeightsError as exc:
            if options.weights is not None:
                raise
            self.say(f"weights     {exc}; the detector's own backbone, trained on COCO, instead")
            return self._detector_backbone(None)

    def _imagenet(self, file: Path | None) -> ClassifierStart:
        from convert.models.imagenet_backbone import imagenet_backbone
        from convert.training.classifier_network import ClassifierStart

        with quiet(self.options.debug):  # Keras draws a bar of its own
            layers = imagenet_backbone(file)
        return ClassifierStart("ImageNet, as Keras Applications publishes it", layers)

    def _detector_backbone(self, folder: Path | None) -> ClassifierStart:
        from convert.training.classifier_network import detector_backbone

        found, source = weights_folder(SSDLITE_MOBILENET_V2, folder)
        self.say(f"weights     {source}, every checksum right")
        return detector_backbone(found)

    def trainer(self) -> ClassifierTrainer:
        """A trainer whose network has its first weights. Raises ``WeightsError``."""
        from convert.training.classifier_network import trainable_classifier
        from convert.training.classifier_trainer import ClassifierTrainer

        classes = self.dataset.classes
        start = self.start()
        self.started_from = start.title
        self.say(f"start       {start.title}")
        model, average = (trainable_classifier(len(classes), self.size) for _ in range(2))
        start.load(model, classes)
        calibration = (
            self.validator_of(spread(self.dataset.train, CALIBRATION_IMAGES)).pixels
            if self.options.rounded
            else ()
        )
        return ClassifierTrainer(model, average, len(classes), calibration)

    def _batches(self) -> Batches:
        from convert.training.augment import may_mirror
        from convert.training.batches import Batches
        from convert.training.image_store import ImageStore
        from convert.training.targets import class_target

        images = self.dataset.train
        return Batches(
            images,
            ImageStore(images, self.options.work, self.size, self.say),
            class_target,
            self.size,
            may_mirror(self.dataset.classes),
            self.options.seed,
        )

    def _validation(self, trainer: ClassifierTrainer) -> Callable[[], tuple[float, ...]]:
        judge = self.watched

        def validate() -> tuple[float, float]:
            return judge.scores(judge.probabilities(trainer.answers(judge.pixels)))

        return validate

    def test(self, trainer: ClassifierTrainer) -> float | None:
        """Share of the test images that the averaged network tells right; None without any."""
        if not self.dataset.test:
            return None
        judge = self.validator("test")
        return judge.scores(judge.probabilities(trainer.answers(judge.pixels)))[0]
