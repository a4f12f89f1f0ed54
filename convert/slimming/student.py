"""Smaller networks made from the original: cut, and trained again."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convert.compression.cost_model import Board, network_instructions
from convert.compression.distillation import DistillingTrainer, box_loss, score_loss
from convert.compression.importance import ChannelStatistics, channel_statistics
from convert.compression.low_rank import split_paying
from convert.compression.narrowing import channels_for
from convert.compression.pruning import remove_channels
from convert.compression.teacher import Teacher
from convert.models.anchors import AnchorLayout
from convert.models.layer_weights import (
    LayerWeights,
    architecture,
    kernel_shapes,
    set_weights,
    weights_of,
)
from convert.models.ssdlite import build_ssdlite
from convert.slimming.held_out import HeldOut
from convert.slimming.task import SlimTask
from convert.training.augment import may_mirror
from convert.training.batches import BATCH, Batch, Batches
from convert.training.dataset import TrainingImage
from convert.training.image_store import ImageStore
from convert.training.log import clock, epoch_line
from convert.training.network import normalised, raw_heads, trainable_ssdlite
from convert.training.schedule import PEAK_RATE, Budget
from convert.training.ssd_trainer import SsdTrainer
from convert.training.state import EpochRecord
from convert.training.targets import Matcher

LOOKED_AT = 6  # batches of images that tell what channels are worth
STEPS_LEAST, STEPS_MOST = 16, 64  # of an epoch
# Over the pictures, after which a network has learnt what they teach; of few pictures, the steps.
# At 220 pixels, cards lost 2.2 points after 40 epochs, as many passes, and 1.1 after 80; 136
# pictures of raccoons taught as much at 156 pixels in 20 epochs, 38 passes, as in 60
# (docs/slim.md).
PASSES, STEPS_ENOUGH = 80, 320
# The highest learning rate of a student that is taught, a quarter of what teaches new classes: it
# begins with what the whole network knows. COCO's, a tenth of whose cost had gone in channels, fell
# in six epochs at the full rate from an mAP of 0.41, against what the whole one finds, to one of
# 0.22.
TAUGHT_RATE = 2.5e-4

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Student:
    """A smaller network: its weights, and the anchors over its input."""

    weights: LayerWeights
    layout: AnchorLayout

    @property
    def size(self) -> int:
        """Side of its input in pixels."""
        return self.layout.size

    def instructions(self, board: Board) -> float:
        """Of one invoke in int8, estimated."""
        return network_instructions(kernel_shapes(self.weights), self.size, board)


class Studio:
    """Makes smaller networks for one task."""

    def __init__(self, task: SlimTask, held_out: HeldOut, say: Say) -> None:
        """Small copies of images are kept in the task's working folder."""
        options = task.options
        self._task = task
        self._original = task.original
        self._dataset = task.dataset
        self._held_out = held_out
        self._board: Board = options.board
        self._say = say
        count = len(task.dataset.train)
        self.epoch_steps = min(STEPS_MOST, max(STEPS_LEAST, -(-count // BATCH)))
        self._store = ImageStore(task.dataset.train, options.work, task.original.size, say)

    @functools.cached_property
    def _teacher(self) -> keras.Model:
        """The whole network."""
        original = self._original
        return network_of(Student(original.weights, original.layout), original.labels)

    @property
    def most_steps(self) -> int:
        """Training steps that a network gets at most where it is trained by time."""
        return max(STEPS_ENOUGH, -(-PASSES * len(self._dataset.train) // BATCH))

    def narrowed(self, student: Student, goal: float) -> Student:
        """``student`` with channels removed until an invoke takes ``goal`` instructions.

        Raises ``TrainingError`` where that many cannot go.
        """
        kernels = kernel_shapes(student.weights)
        if student.instructions(self._board) <= goal:
            return student
        seen = self._statistics(student)
        kept = channels_for(kernels, seen.importance, student.size, self._board, goal)
        return dataclasses.replace(
            student, weights=remove_channels(student.weights, kept, seen.means)
        )

    def split(self, student: Student, left_out: float) -> Student:
        """``student`` with 1x1 convolutions as two where that takes fewer instructions.

        ``left_out``: share of a kernel's squares that may be lost by it, 0..1.
        """
        made = split_paying(student.weights, student.size, self._board, left_out)
        return dataclasses.replace(student, weights=made)

    def _statistics(self, student: Student) -> ChannelStatistics:
        batches = self._batches(student.layout, student.size, self._labels())
        model = network_of(student, self._original.labels)
        shown = (batches.make(step) for step in range(LOOKED_AT))
        return channel_statistics(model, len(self._original.labels), shown)

    def _labels(self) -> tuple[TrainingImage, ...]:
        """Training images with what is on them; where nobody said, with what the teacher finds."""
        images = self._dataset.train
        if self._task.labelled:
            return images
        count = LOOKED_AT * BATCH
        return (*self._held_out.labelled_by(self._teacher, images[:count]), *images[count:])

    def _batches(
        self, layout: AnchorLayout, shown: int, images: tuple[TrainingImage, ...]
    ) -> Batches:
        """Images of ``shown`` pixels with targets at the anchors of ``layout``."""
        return Batches(
            images,
            self._store,
            Matcher(layout.anchors()),
            shown,
            may_mirror(self._original.labels),
            self._task.options.seed,
        )

    def _trainer(self, student: Student) -> tuple[SsdTrainer, Batches, float]:
        """A trainer of ``student``, what it is shown, and its highest learning rate."""
        labels = self._original.labels
        model, average = (
            trainable_ssdlite(len(labels), student.size, architecture(student.weights))
            for _ in range(2)
        )
        set_weights(model, student.weights)
        taught = self._task.taught
        shown = self._original.size if taught else student.size
        batches = self._batches(student.layout, shown, self._dataset.train)
        if not taught:
            return SsdTrainer(model, average, len(labels)), batches, PEAK_RATE
        teacher = Teacher(self._teacher, len(labels), self._original.layout, student.layout)
        return DistillingTrainer(model, average, teacher, self._task.labelled), batches, TAUGHT_RATE

    def trained(self, student: Student, budget: Budget, stop: Callable[[], bool]) -> Student:
        """``student`` after training, or after as much of it as ``stop`` lets it have."""
        trainer, batches, peak = self._trainer(student)
        validator = self._held_out.chooser(student.layout)

        def validate() -> tuple[float, float]:
            found = validator.precision(validator.find(trainer.answers(validator.pixels)))
            return found.map, found.map_50

        def told(record: EpochRecord) -> None:
            self._say(epoch_line(record, clock))

        def stream(step: int) -> Iterator[Batch]:
            return batches.from_step(step)

        trainer.keep_best(validate()[0])  # untrained, it may be better than what training comes to
        trainer.run(
            stream,
            self.epoch_steps,
            budget,
            validate,
            len(validator.images),
            told,
            stop,
            peak,
        )
        trainer.use_best()
        return dataclasses.replace(student, weights=weights_of(trainer.average))

    def distance(self, student: Student) -> float:
        """How far ``student`` is from the whole network on the pictures that epochs are chosen by.

        The distillation loss over the sum of the teacher's squared scores: tells apart what mAP on
        a few pictures does not.
        """
        labels = self._original.labels
        teacher = Teacher(self._teacher, len(labels), self._original.layout, student.layout)
        model = network_of(student, labels)

        def loss(pixels: Any) -> tuple[Any, Any]:
            boxes, logits = teacher.say(pixels)
            outputs = model(normalised(teacher.shrink(pixels)), training=False)
            own_boxes, own_logits = raw_heads(outputs, len(labels))
            weight = tf.reduce_max(tf.sigmoid(logits), axis=-1) ** 2
            far = score_loss(own_logits, logits) + box_loss(own_boxes, boxes, weight)
            return far, tf.reduce_sum(weight)

        compared = tf.function(loss)
        pixels = self._held_out.chooser(self._original.layout).pixels
        parts = np.array(
            [[float(item) for item in compared(tf.constant(image[np.newaxis]))] for image in pixels]
        )
        far, mass = parts.sum(axis=0)
        return float(far / max(mass, 1.0))


def network_of(student: Student, labels: tuple[str, ...]) -> keras.Model:
    """The Keras network, for batches of any size."""
    model = build_ssdlite(len(labels), student.size, None, architecture(student.weights))
    set_weights(model, student.weights)
    return model
