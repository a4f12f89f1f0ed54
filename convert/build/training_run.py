"""The training run: from a dataset and published weights to a bundle; it can be taken up again."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
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
from convert.catalogue import catalogue
from convert.errors import DatasetError, TrainingError, WeightsError
from convert.models.anchors import grid_sizes, ssd_anchors
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.training.dataset import Dataset, TrainingImage
from convert.training.input_size import check_size, choose_size
from convert.training.interrupt import Interrupt
from convert.training.trainable_bundle import WEIGHTS, bundle_network, refuse_foreign
from convert.training.unlabelled import unlabelled_images
from device.bundle.bundle import Bundle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.evaluation.coco_map import Precision as MeanPrecision
    from convert.evaluation.validation import DetectionValidator
    from convert.training.batches import Batches, MixedBatches
    from convert.training.network import Start
    from convert.training.state import EpochRecord
    from convert.training.trainer import Trainer

MOST_VALIDATED = 128  # images that are looked at after each epoch
MOST_JUDGED = 1000  # images that thresholds and the test's figure are taken from
STEPS_LEAST, STEPS_MOST = 32, 64  # of an epoch: about half a minute
IMAGES_LEAST = 2
NAMED = 8  # classes in a message

Say = Callable[[str], None]


class TrainingRun:
    """A detector's training on one dataset."""

    def __init__(self, dataset: Dataset, options: TrainOptions, say: Say) -> None:
        """Find out what can be known before TensorFlow is imported. Raises ``DatasetError``."""
        if len(dataset.train) < IMAGES_LEAST or not dataset.validation:
            raise DatasetError(
                f"images to train on: {len(dataset.train)}, to validate with: "
                f"{len(dataset.validation)}; label more, 50 of each class are a beginning"
            )
        self.dataset = dataset
        self.options = options
        self.say = say
        if options.size is None:
            choice = choose_size(dataset.train)
            self.size = choice.size
            say(f"input       {choice.size}x{choice.size}: {choice.why}")
        else:
            check_size(options.size)
            self.size = options.size
        self.anchors = ssd_anchors(grid_sizes(self.size))
        steps = -(-len(dataset.train) // 16)
        self.epoch_steps = min(STEPS_MOST, max(STEPS_LEAST, steps))
        if options.resume and not options.work.is_dir():
            raise TrainingError(f"{options.work}: no run to go on with: leave out --resume")
        self.teacher = None if options.teacher is None else self._open_teacher(options.teacher)
        judged = (*dataset.validation, *dataset.test)
        self._unlabelled = (
            () if options.unlabelled is None else unlabelled_images(options.unlabelled, judged, say)
        )

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

    def validator(self, images: int, split: str = "validation") -> DetectionValidator:
        """What is to be found on at most ``images`` of a split."""
        return self.validator_of(getattr(self.dataset, split)[:images])

    def validator_of(self, images: Sequence[TrainingImage]) -> DetectionValidator:
        """What is to be found on ``images``."""
        from convert.evaluation.validation import DetectionValidator

        return DetectionValidator(
            images, self.dataset.classes, input_rule(self.size), decoder_rule(), self.anchors
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

    def trainer(self) -> Trainer:
        """A trainer whose network has its first weights."""
        from convert.compression.distillation import DistillingTrainer, Teacher
        from convert.training.batches import relative_boxes
        from convert.training.network import (
            LABELLED,
            answers_inside,
            separate_classes,
            starting_classes,
            trainable_ssdlite,
        )
        from convert.training.targets import Matcher
        from convert.training.trainer import Trainer

        classes = self.dataset.classes
        start = self.start()
        model, average = (
            trainable_ssdlite(len(classes), self.size, start.architecture) for _ in range(2)
        )
        shown = self.validator(LABELLED, "train")
        matcher = Matcher(self.anchors)
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
            return Trainer(model, average, len(classes), calibration)
        taught = bundle_network(self.teacher, classes, self.options.weights)
        teacher = Teacher(taught, len(classes), self.shown_size, self.size)
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
            Matcher(self.anchors),
            self.shown_size,
            may_mirror(self.dataset.classes),
            self.options.seed,
            count,
        )

    def train(self, trainer: Trainer, interrupt: Interrupt) -> None:
        """Train until the budget is used up, or Ctrl-C; :attr:`Trainer.state` has the best."""
        from convert.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
        from convert.training.log import TrainingLog, clock, epoch_line
        from convert.training.schedule import Budget

        options, dataset, work = self.options, self.dataset, self.options.work
        settings = options.settings | {
            "size": str(self.size),
            "classes": ", ".join(dataset.classes),
            "images": str(len(dataset.train)),
        }
        work.mkdir(parents=True, exist_ok=True)
        if options.resume:
            checkpoint, arrays = load_checkpoint(work)
            checkpoint.require(settings)
            trainer.restore(arrays, checkpoint.state())
            self.say(
                f"goes on     from step {trainer.state.step}, best {trainer.state.best_map:.3f}"
            )
        else:
            self.clear()  # what a run left that was killed, of images that may be others now
        steps = None if options.epochs is None else options.epochs * self.epoch_steps
        budget = Budget(steps, None if steps is not None else options.seconds)
        batches = self._batches()
        looked_at = self.watched
        log = TrainingLog(work, options.tensorboard, trainer.state.step)

        def validate() -> tuple[float, float]:
            found = looked_at.find(trainer.answers(looked_at.pixels))
            precision = looked_at.precision(found)
            return precision.map, precision.map_50

        rounded = trainer.state.rounded

        def after_epoch(record: EpochRecord) -> None:
            nonlocal rounded
            if trainer.state.rounded and not rounded:
                rounded = True
                self.say("rounding    as int8 will, in this epoch and all that follow")
            save_checkpoint(work, Checkpoint.of(settings, trainer.state), trainer.arrays())
            log.add(record)
            self.say(epoch_line(record, clock))

        if budget.progress(trainer.state.step, trainer.state.elapsed_s) < 1:
            with interrupt.caught():
                trainer.run(
                    batches.from_step,
                    self.epoch_steps,
                    budget,
                    validate,
                    after_epoch,
                    lambda: interrupt.came,
                )
        trainer.use_best()

    def clear(self) -> None:
        """Remove the small copies of images."""
        for folder in self.options.work.glob("images-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def test(self, trainer: Trainer) -> MeanPrecision | None:
        """The precision of the averaged network on the test images; None without any."""
        if not self.dataset.test:
            return None
        judge = self.validator(MOST_JUDGED, "test")
        return judge.precision(judge.find(trainer.answers(judge.pixels)))


def prepare_tensorflow(seed: int) -> None:
    """Import TensorFlow so that one seed gives one result, on all cores of this machine."""
    import cv2
    import keras
    import tensorflow as tf

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(RuntimeError):  # it runs already, in a test
        tf.config.threading.set_intra_op_parallelism_threads(cores or 1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    cv2.setNumThreads(1)  # images are made in one thread beside the training step
