"""Training with the whole network as teacher: its scores and boxes are part of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.models.anchors import ANCHORS_PER_CELL, grid_sizes, ssd_anchors
from convert.training.losses import box_terms, focal_loss, positives, smooth_l1_loss
from convert.training.network import normalised, raw_heads
from convert.training.ssd_trainer import SsdTrainer
from convert.training.targets import BOX_SCALES

LEAST_MASS = 1.0  # teacher's scores in a batch that shows nothing: what losses are divided by


def corresponding_anchors(teacher: int, student: int) -> NDArray[np.int32]:
    """For each anchor of an input of ``student`` pixels the one of ``teacher`` pixels like it.

    That of the same map and shape whose centre is nearest: anchors' sizes do not depend on the
    input's. int32 (anchors,).
    """
    found, first = [], 0
    for ours, theirs, shapes in zip(
        grid_sizes(student), grid_sizes(teacher), ANCHORS_PER_CELL, strict=True
    ):
        cells = ((np.arange(ours) + 0.5) / ours * theirs).astype(np.int32).clip(0, theirs - 1)
        places = cells[:, np.newaxis] * theirs + cells
        block = first + places[..., np.newaxis] * shapes + np.arange(shapes)
        found.append(block.reshape(-1))
        first += theirs * theirs * shapes
    joined: NDArray[np.int32] = np.concatenate(found).astype(np.int32)
    return joined


class Teacher:
    """The whole network, and what it says to a student of another input size."""

    def __init__(self, model: keras.Model, classes: int, size: int, student: int) -> None:
        """``model`` takes images of ``size`` pixels, the student's have ``student``."""
        self.model = model
        self.classes = classes
        self.size = size
        self.student = student
        self._like = tf.constant(corresponding_anchors(size, student))
        theirs, ours = (tf.constant(ssd_anchors(grid_sizes(side))) for side in (size, student))
        theirs = tf.gather(theirs, self._like)
        # The teacher's encodings are about its own anchors: shifted, the same box is about ours.
        scale = tf.constant(BOX_SCALES[:2], tf.float32)
        self._shift = (theirs[:, :2] - ours[:, :2]) / ours[:, 2:] * scale

    def say(self, pixels: Any) -> tuple[Any, Any]:
        """Encodings (batch, anchors, 4) and logits (batch, anchors, classes) at our anchors.

        ``pixels`` uint8 (batch, size, size, 3), RGB. Nothing of it is trained.
        """
        outputs = self.model(normalised(pixels), training=False)
        boxes, logits = raw_heads(outputs, self.classes)
        boxes, logits = (tf.gather(item, self._like, axis=1) for item in (boxes, logits))
        boxes = tf.concat((boxes[..., :2] + self._shift, boxes[..., 2:]), axis=-1)
        return tf.stop_gradient(boxes), tf.stop_gradient(logits)

    def shrink(self, pixels: Any) -> Any:
        """The same images as the student gets them, uint8."""
        if self.size == self.student:
            return pixels
        small = tf.image.resize(pixels, (self.student, self.student), method="area")
        return tf.cast(tf.round(small), tf.uint8)


def score_loss(logits: Any, wanted: Any) -> Any:
    """Sum over all scores of how far ``logits`` are from the teacher's, ``wanted``.

    The Kullback-Leibler divergence of the two sigmoids, weighted by the larger of them: easy
    background, nearly all there is, counts little. float32 (batch, anchors, classes) both.
    """
    truth, own = tf.sigmoid(wanted), tf.sigmoid(logits)
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=wanted)
    weight = tf.stop_gradient(tf.maximum(truth, own))
    return tf.reduce_sum(weight * (cross_entropy - entropy))


def box_loss(encodings: Any, wanted: Any, confidence: Any) -> Any:
    """Sum of the box loss of training, each anchor weighted by ``confidence``.

    ``encodings`` and ``wanted`` float32 (batch, anchors, 4), ``confidence`` (batch, anchors).
    """
    return tf.reduce_sum(box_terms(encodings, wanted) * confidence)


class DistillingTrainer(SsdTrainer):
    """A trainer whose network learns from a teacher, and from labels where there are any."""

    def __init__(
        self,
        model: keras.Model,
        average: keras.Model,
        teacher: Teacher,
        labelled: bool,
        calibration: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        """Batches show images of the teacher's size, with targets at the student's anchors."""
        super().__init__(model, average, teacher.classes, calibration)
        self.teacher = teacher
        self.labelled = labelled

    def _shown(self, pixels: Any, classes: Any, encodings: Any) -> tuple[Any, ...]:
        boxes, logits = self.teacher.say(pixels)
        confidence = tf.reduce_max(tf.sigmoid(logits), axis=-1)
        mass = tf.maximum(tf.reduce_sum(confidence**2), LEAST_MASS)
        # The loop divides all by the labels' positives; of the teacher it is its own mass.
        share = tf.fill(tf.shape(confidence)[:1], positives(classes) / mass)
        return self.teacher.shrink(pixels), classes, encodings, boxes, logits, confidence, share

    def _losses(self, pixels: Any, *shown: Any) -> tuple[Any, ...]:
        classes, encodings, boxes, logits, confidence, share = shown
        own_boxes, own_logits = self._heads(self.model, pixels)
        scores = score_loss(own_logits, logits) * share[0]
        places = box_loss(own_boxes, boxes, confidence**2) * share[0]
        if self.labelled:
            scores += focal_loss(own_logits, classes)
            places += smooth_l1_loss(own_boxes, encodings, classes)
        return scores, places
