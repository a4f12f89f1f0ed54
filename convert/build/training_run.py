"""The training run: from a dataset and weights to the best network; it can be taken up again."""

from __future__ import annotations

import abc
import contextlib
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from convert.build.train_options import TrainOptions
from convert.errors import DatasetError, TrainingError
from convert.training.dataset import Dataset
from convert.training.interrupt import Interrupt
from device.runtimes import usable_cores

if TYPE_CHECKING:
    from convert.training.batches import Batches, MixedBatches
    from convert.training.state import EpochRecord
    from convert.training.trainer import Trainer

MOST_VALIDATED = 128  # images that are looked at after each epoch
MOST_JUDGED = 1000  # images that thresholds and the test's figure are taken from
STEPS_LEAST, STEPS_MOST = 32, 64  # of an epoch: about half a minute
IMAGES_LEAST = 2

Say = Callable[[str], None]
T = TypeVar("T", bound="Trainer")


class TrainingRun(abc.ABC, Generic[T]):
    """Training on one dataset: its budget, checkpoints and log.

    What is trained, and how it is judged, is said by those derived from it.
    """

    size: int  # side of the input in pixels

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
        steps = -(-len(dataset.train) // 16)
        self.epoch_steps = min(STEPS_MOST, max(STEPS_LEAST, steps))
        if options.resume and not options.work.is_dir():
            raise TrainingError(f"{options.work}: no run to go on with: leave out --resume")

    @abc.abstractmethod
    def trainer(self) -> T:
        """A trainer whose network has its first weights. Raises ``WeightsError``."""

    def input_told(self) -> str:
        """What of the input must be the same for a run that is taken up again."""
        return str(self.size)

    @abc.abstractmethod
    def test(self, trainer: T) -> float | None:
        """The score of the averaged network on the test images; None without any."""

    @abc.abstractmethod
    def _batches(self) -> Batches | MixedBatches:
        """The images to train on."""

    @abc.abstractmethod
    def _validation(self, trainer: T) -> Callable[[], tuple[float, ...]]:
        """Read the validation images; what is returned scores the averaged network on them."""

    def train(self, trainer: T, interrupt: Interrupt) -> None:
        """Train until the budget is used up, or Ctrl-C; :attr:`Trainer.state` has the best."""
        from convert.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
        from convert.training.log import TrainingLog, clock, epoch_line
        from convert.training.schedule import Budget

        options, dataset, work = self.options, self.dataset, self.options.work
        settings = options.settings | {
            "size": self.input_told(),
            "classes": ", ".join(dataset.classes),
            "images": str(len(dataset.train)),
        }
        work.mkdir(parents=True, exist_ok=True)
        if options.resume:
            checkpoint, arrays = load_checkpoint(work)
            checkpoint.require(settings)
            trainer.restore(arrays, checkpoint.state())
            self.say(
                f"goes on     from step {trainer.state.step}, best {trainer.state.best_score:.3f}"
            )
        else:
            self.clear()  # what a run left that was killed, of images that may be others now
        steps = None if options.epochs is None else options.epochs * self.epoch_steps
        budget = Budget(steps, None if steps is not None else options.seconds)
        batches, validate = self._batches(), self._validation(trainer)
        log = TrainingLog(work, options.tensorboard, trainer.state.step)
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
                    min(len(dataset.validation), MOST_VALIDATED),
                    after_epoch,
                    lambda: interrupt.came,
                )
        trainer.use_best()

    def clear(self) -> None:
        """Remove the small copies of images."""
        for folder in self.options.work.glob("images-*"):
            shutil.rmtree(folder, ignore_errors=True)


def prepare_tensorflow(seed: int) -> None:
    """Import TensorFlow so that one seed gives one result, on all cores of this machine."""
    import cv2
    import keras
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # it runs already, in a test
        tf.config.threading.set_intra_op_parallelism_threads(usable_cores())
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    cv2.setNumThreads(1)  # images are made in one thread beside the training step
