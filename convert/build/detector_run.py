"""The training run of a detector: labelled boxes, SSDLite, COCO's weights, mAP."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.train_options import TrainOptions
from convert.build.trained import (
    CALIBRATION_IMAGES,
    decoder_rule,
    input_rule,
    spread,
)
from convert.build.training_run import MOST_JUDGED, MOST_VALIDATED, Say, TrainingRun
from convert.catalogue import catalogue
from convert.errors import WeightsError
from convert.models.anchors import PUBLISHED_PIXELS, AnchorLayout, sides_alike
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.training.dataset import Dataset, TrainingImage
from convert.training.input_size import (
    LEAST,
    MOST,
    boxes_of,
    check_size,
    choose_layout,
    choose_size,
)
from convert.training.trainable_bundle import bundle_layout, bundle_network, refuse_foreign
from convert.training.unlabelled import unlabelled_images
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.evaluation.validation import DetectionValidator
    from convert.training.batches import Batches, MixedBatches
    from convert.training.network import Start
    from convert.training.ssd_trainer import SsdTrainer

NAMED = 8  # classes in a message


class DetectorRun(TrainingRun["SsdTrainer"]):
    """A detector's training on one dataset."""

    def __init__(self, dataset: Dataset, options: TrainOptions, say: Say) -> None:
        """Find out what can be known before TensorFlow is imported. Raises ``DatasetError``."""
        super().__init__(dataset, options, say)
        like, size = AnchorLayout(PUBLISHED_PIXELS), options.size
        if options.start_from is not None:
            like = bundle_layout(Bundle(options.start_from))
            size = size or like.size  # who chose fewer pixels wants no slower network
        if size is None:
            choice = choose_size(dataset.train, like.pixels)
            self.layout = choice.layout
            say(f"input       {choice.size}x{choice.size}: {choice.why}")
        else:
            check_size(size)
            self._tell_side(size)
            even = like.even and like.size == size
            self.layout = choose_layout(boxes_of(dataset.train), size, like.pixels, even)
        self.size = self.layout.size
        if self.layout.scale != 1:
            say(f"anchors     {self.layout.scale:.2f} times as large a part of the input as usual")
        self.teacher = None if options.teacher is None else self._open_teacher(options.teacher)
        judged = (*dataset.validation, *dataset.test)
        self._unlabelled = (
            () if options.unlabelled is None else unlabelled_images(options.unlabelled, judged, say)
        )

    def _tell_side(self, size: int) -> None:
        """Say whose side ``size`` is, or at which ones published weights would start better."""
        if self.options.start_from is not None:
            if self.options.size is None:
                self.say(f"input       {size}x{size}, as {self.options.start_from} has it")
            return
        sides = [side for side in dict.fromkeys(sides_alike(size)) if LEAST <= side <= MOST]
        if size not in sides:
            better = " or ".join(map(str, sides))
            self.say(f"input       {size}x{size}; {better} would start better, halved as 300")

    def _open_teacher(self, path: Path) -> Bundle:
        """The bundle at ``path``. Raises ``WeightsError`` where it cannot teach these classes."""
        bundle = Bundle(path)
        refuse_foreign(bundle, "--teacher")
        if missing := [name for name in self.dataset.classes if name not in bundle.labels]:
            raise WeightsError(
                f"--teacher {path}: it does not know {', '.join(missing[:NAMED])}; a teacher must "
                "know every class of the labels, by the same name"
            )
        self.say(f"teacher     {path}, {bundle.manifest.input.width} pixels")
        return bundle

    @functools.cached_property
    def watched(self) -> DetectionValidator:
        """What is looked at after each epoch."""
        return self.validator(MOST_VALIDATED)

    def input_told(self) -> str:
        """What of the input must be the same for a run that is taken up again."""
        layout = self.layout
        told = str(layout.size)
        if layout.scale != 1:
            told += f" with anchors times {layout.scale:.3f}"
        if layout.size != PUBLISHED_PIXELS and not layout.even:
            told += ", where cells look"
        return told

    def validator(self, images: int, split: str = "validation") -> DetectionValidator:
        """What is to be found on at most ``images`` of a split."""
        return self.validator_of(getattr(self.dataset, split)[:images])

    def validator_of(self, images: Sequence[TrainingImage]) -> DetectionValidator:
        """What is to be found on ``images``."""
        from convert.evaluation.validation import DetectionValidator

        return DetectionValidator(
            images,
            self.dataset.classes,
            input_rule(self.size),
            decoder_rule(),
            self.layout.anchors(),
        )

    def start(self) -> Start:
        """The weights to start from. Raises ``WeightsError``."""
        from convert.training.network import extended_start, known_class, trained_start

        if self.options.start_from is not None:
            trained = trained_start(self.options.start_from / WEIGHTS)
            if all(known_class(name, trained.labels) is not None for name in self.dataset.classes):
                return trained
            try:
                return extended_start(trained, self._published_start())
            except WeightsError as exc:
                self.say(f"start       new classes begin from those of {trained.title}: {exc}")
                return trained
        return self._published_start()

    def _published_start(self) -> Start:
        from convert.training.network import published_start

        folder, source = weights_folder(SSDLITE_MOBILENET_V2, self.options.weights)
        self.say(f"weights     {source}, every checksum right")
        labels = catalogue().labels[SSDLITE_MOBILENET_V2.labels].read()
        return published_start(folder, labels)

    def trainer(self) -> SsdTrainer:
        """A trainer whose network has its first weights."""
        from convert.compression.distillation import DistillingTrainer
        from convert.compression.teacher import Teacher
        from convert.training.batches import relative_boxes
        from convert.training.network import (
            LABELLED,
            answers_inside,
            separate_classes,
            starting_classes,
            trainable_ssdlite,
        )
        from convert.training.ssd_trainer import SsdTrainer
        from convert.training.targets import Matcher

        classes = self.dataset.classes
        start = self.start()
        model, average = (
            trainable_ssdlite(len(classes), self.size, start.architecture) for _ in range(2)
        )
        shown = self.validator(LABELLED, "train")
        matcher = Matcher(self.layout.anchors())
        targets = [
            matcher(relative_boxes(image), image.class_ids, image.ignored) for image in shown.images
        ]
        scores = answers_inside(start, shown.pixels, targets, len(classes))
        columns = starting_classes(classes, start.labels, scores)
        pairs = [f"{name} from {start.labels[n]}" for name, n in zip(classes, columns, strict=True)]
        self.say(f"start       {start.title}: {', '.join(pairs)}")
        start.load(model, columns)
        separate_classes(model, columns, self.options.seed)
        calibration: Sequence[NDArray[np.uint8]] = ()
        if self.options.rounded:
            calibration = self.validator_of(spread(self.dataset.train, CALIBRATION_IMAGES)).pixels
        if self.teacher is None:
            return SsdTrainer(model, average, len(classes), calibration)
        taught = bundle_network(self.teacher, classes, self.options.weights)
        teacher = Teacher(taught, len(classes), bundle_layout(self.teacher), self.layout)
        return DistillingTrainer(model, average, teacher, True, calibration)

    @property
    def shown_size(self) -> int:
        """Side of the images of a batch: the teacher's, where there is one."""
        return self.size if self.teacher is None else self.teacher.manifest.input.width

    def _batches(self) -> Batches | MixedBatches:
        from convert.training.batches import BATCH, MixedBatches

        if not self._unlabelled:
            return self._batches_of(self.dataset.train, BATCH)
        return MixedBatches(
            self._batches_of(self.dataset.train, BATCH // 2),
            self._batches_of(self._unlabelled, BATCH - BATCH // 2),
        )

    def _batches_of(self, images: Sequence[TrainingImage], count: int) -> Batches:
        from convert.training.augment import may_mirror
        from convert.training.batches import Batches
        from convert.training.image_store import ImageStore
        from convert.training.targets import Matcher

        return Batches(
            images,
            ImageStore(images, self.options.work, self.shown_size, self.say),
            Matcher(self.layout.anchors()),
            self.shown_size,
            may_mirror(self.dataset.classes),
            self.options.seed,
            count,
        )

    def _validation(self, trainer: SsdTrainer) -> Callable[[], tuple[float, ...]]:
        judge = self.watched

        def validate() -> tuple[float, float]:
            precision = judge.precision(judge.find(trainer.answers(judge.pixels)))
            return precision.map, precision.map_50

        return validate

    def test(self, trainer: SsdTrainer) -> float | None:
        """MAP of the averaged network on the test images; None without any."""
        if not self.dataset.test:
            return None
        judge = self.validator(MOST_JUDGED, "test")
        return judge.precision(judge.find(trainer.answers(judge.pixels))).map
