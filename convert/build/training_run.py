"""The training run: from a dataset and published weights to a bundle; it can be taken up again."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.build import BuildOptions
from convert.build.trained import TrainedDetector, build_trained, decoder_rule, input_rule
from convert.catalogue import catalogue
from convert.errors import DatasetError, TrainingError
from convert.models.anchors import grid_sizes, ssd_anchors
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.quantization.recipe import PRECISIONS
from convert.training.dataset import Dataset
from convert.training.input_size import check_size, choose_size
from convert.training.interrupt import Interrupt
from device.bundle.manifest import Manifest

if TYPE_CHECKING:
    from convert.evaluation.coco_map import Precision
    from convert.evaluation.review import Review
    from convert.evaluation.validation import DetectionValidator
    from convert.training.network import Start
    from convert.training.state import EpochRecord
    from convert.training.trainer import Trainer

WEIGHTS = "weights.npz"  # beside the bundle's files: what --from goes on from
MOST_VALIDATED = 128  # images that are looked at after each epoch
MOST_JUDGED = 1000  # images that thresholds and the test's figure are taken from
STEPS_LEAST, STEPS_MOST = 32, 64  # of an epoch: about half a minute
IMAGES_LEAST = 2

Say = Callable[[str], None]


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
        }


@dataclass(frozen=True, slots=True)
class TrainedFigures:
    """The manifest of a trained bundle, and the threshold of each class before it is rounded."""

    manifest: Manifest
    thresholds: Mapping[str, float]


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
        self._say = say
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

    @functools.cached_property
    def watched(self) -> DetectionValidator:
        """What is looked at after each epoch."""
        return self.validator(MOST_VALIDATED)

    def validator(self, images: int, split: str = "validation") -> DetectionValidator:
        """What is to be found on at most ``images`` of a split."""
        from convert.evaluation.validation import DetectionValidator

        chosen = getattr(self.dataset, split)[:images]
        return DetectionValidator(
            chosen, self.dataset.classes, input_rule(self.size), decoder_rule(), self.anchors
        )

    def start(self) -> Start:
        """The weights to start from. Raises ``WeightsError``."""
        from convert.training.network import published_start, trained_start

        if self.options.start_from is not None:
            return trained_start(self.options.start_from / WEIGHTS)
        folder, source = weights_folder(SSDLITE_MOBILENET_V2, self.options.weights)
        self._say(f"weights     {source}, every checksum right")
        labels = catalogue().labels[SSDLITE_MOBILENET_V2.labels].read()
        return published_start(folder, labels)

    def trainer(self) -> Trainer:
        """A trainer whose network has its first weights."""
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
        self._say(f"start       {start.title}: {', '.join(pairs)}")
        start.load(model, columns)
        separate_classes(model, columns, self.options.seed)
        return Trainer(model, average, len(classes))

    def train(self, trainer: Trainer, interrupt: Interrupt) -> None:
        """Train until the budget is used up, or Ctrl-C; :attr:`Trainer.state` has the best."""
        from convert.training.augment import may_mirror
        from convert.training.batches import Batches
        from convert.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
        from convert.training.image_store import ImageStore
        from convert.training.log import TrainingLog, clock, epoch_line
        from convert.training.schedule import Budget
        from convert.training.targets import Matcher

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
            self._say(
                f"goes on     from step {trainer.state.step}, best {trainer.state.best_map:.3f}"
            )
        else:
            self.clear()  # what a run left that was killed, of images that may be others now
        steps = None if options.epochs is None else options.epochs * self.epoch_steps
        budget = Budget(steps, None if steps is not None else options.seconds)
        store = ImageStore(dataset.train, work, self.size, self._say)
        batches = Batches(
            dataset.train,
            store,
            Matcher(self.anchors),
            self.size,
            may_mirror(dataset.classes),
            options.seed,
        )
        looked_at = self.watched
        log = TrainingLog(work, options.tensorboard, trainer.state.step)

        def validate() -> tuple[float, float]:
            found = looked_at.find(trainer.answers(looked_at.pixels))
            precision = looked_at.precision(found)
            return precision.map, precision.map_50

        def after_epoch(record: EpochRecord) -> None:
            save_checkpoint(work, Checkpoint.of(settings, trainer.state), trainer.arrays())
            log.add(record)
            self._say(epoch_line(record, clock))

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

    def build(self, trainer: Trainer, bundle: Path, *, hurried: bool = False) -> TrainedFigures:
        """Fill the empty folder ``bundle`` with the best network.

        ``hurried``: somebody waits, and thresholds are taken from fewer images.
        """
        from convert.training.log import FILE
        from convert.training.network import model_architecture, save_weights

        options, dataset = self.options, self.dataset
        judge = self.watched if hurried else self.validator(MOST_JUDGED)
        found = judge.find(trainer.answers(judge.pixels))
        chosen = judge.thresholds(found)
        for name, item in chosen.items():
            self._say(
                f"threshold   {name} {item.threshold:.2f}: precision {item.precision:.2f}, recall "
                f"{item.recall:.2f} on validation images"
            )
        thresholds = {name: item.threshold for name, item in chosen.items()}
        detector = TrainedDetector(
            name=options.out.name,
            classes=dataset.classes,
            size=self.size,
            weights=trainer.average.get_weights(),
            class_thresholds=thresholds,
            source=f"{len(dataset.train)} images of {options.dataset.name}, "
            f"{trainer.state.best_step} steps from "
            f"{options.start_from or SSDLITE_MOBILENET_V2.title}",
            architecture=model_architecture(trainer.average),
        )
        build_options = BuildOptions(PRECISIONS, None, 0, options.seed, options.debug)
        manifest = build_trained(detector, dataset, bundle, build_options, self._say)
        # After the manifest, which vouches only for what travels to a Pi.
        (bundle / WEIGHTS).write_bytes(save_weights(trainer.average, dataset.classes))
        if (options.work / FILE).is_file():
            shutil.copyfile(options.work / FILE, bundle / FILE)
        return TrainedFigures(manifest, thresholds)

    def review(
        self,
        trainer: Trainer,
        bundle: Path,
        thresholds: Mapping[str, float],
        before: Precision | None = None,
    ) -> Review:
        """Write beside the files of ``bundle`` how good it is on test images, else on validation's.

        ``before`` is how well the network did on the test images from which training started.
        """
        from convert.evaluation.review import make_review, write_review

        split = "test" if self.dataset.test else "validation"
        judge = self.validator(MOST_JUDGED, split)
        found = judge.find(trainer.answers(judge.pixels))
        review = make_review(
            split,
            judge.images,
            found,
            judge.precision(found),
            thresholds,
            self.dataset.train,
            None if before is None else round(before.map, 4),
        )
        write_review(review, bundle)
        return review

    def clear(self) -> None:
        """Remove the small copies of images."""
        for folder in self.options.work.glob("images-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def test(self, trainer: Trainer) -> Precision | None:
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
