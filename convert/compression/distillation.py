"""Training with the whole network as teacher: its scores and boxes are part of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.models.anchors import AnchorLayout
from convert.training.losses import box_terms, focal_loss, positives, smooth_l1_loss
from convert.training.network import normalised, raw_heads
from convert.training.ssd_trainer import SsdTrainer
from convert.training.targets import BOX_SCALES, POSITIVE_IOU, Matcher

NOTHING = -8.0  # a logit: 0.03 % sure
LEAST_MASS = 1.0  # teacher's scores in a batch that shows nothing: what losses are divided by


def corresponding_anchors(
    teacher: AnchorLayout, student: AnchorLayout
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """For each anchor of ``student`` the one of ``teacher`` that overlaps it most.

    int32 (anchors,), and whether they overlap as much as an object and an anchor that is to find
    it: bool (anchors,).
    """
    theirs, ours = teacher.anchors(), student.anchors()
    corners = np.concatenate(
        (ours[:, 1::-1] - ours[:, :1:-1] / 2, ours[:, 1::-1] + ours[:, :1:-1] / 2), axis=1
    )
    overlaps, _ = Matcher(theirs).overlaps(corners)
    best: NDArray[np.int32] = overlaps.argmax(axis=1).astype(np.int32)
    return best, np.asarray(overlaps.max(axis=1) >= POSITIVE_IOU)


class Teacher:
    """The whole network, and what it says to a student of another input size."""

    def __init__(
        self, model: keras.Model, classes: int, own: AnchorLayout, student: AnchorLayout
    ) -> None:
        """``own`` are the anchors that ``model`` speaks of, ``student`` those it is asked for."""
        self.model = model
        self.classes = classes
        self.own = own
        self.student = student
        like, known = corresponding_anchors(own, student)
        theirs, ours = own.anchors()[like], student.anchors()
        self._like = tf.constant(like)
        self._known = tf.constant(known[:, np.newaxis])
        # The teacher's encodings are about its own anchors: the same box about ours is those times
        # a factor and moved, for it is encoded by quotients and logarithms.
        scales = np.array(BOX_SCALES, np.float32)
        sides = theirs[:, 2:] / ours[:, 2:]
        moved = np.concatenate(((theirs[:, :2] - ours[:, :2]) / ours[:, 2:], np.log(sides)), axis=1)
        self._factor = tf.constant(np.concatenate((sides, np.ones_like(sides)), axis=1))
        self._moved = tf.constant((moved * scales).astype(np.float32))

    def say(self, pixels: Any) -> tuple[Any, Any]:
        """Encodings (batch, anchors, 4) and logits (batch, anchors, classes) at our anchors.

        ``pixels`` uint8 (batch, size, size, 3), RGB. Nothing of it is trained. Of an anchor that
        is like none of its own, such as one larger than any object, it says that nothing is there.
        """
        outputs = self.model(normalised(pixels), training=False)
        boxes, logits = raw_heads(outputs, self.classes)
        boxes, logits = (tf.gather(item, self._like, axis=1) for item in (boxes, logits))
        logits = tf.where(self._known, logits, NOTHING)
        return tf.stop_gradient(boxes * self._factor + self._moved), tf.stop_gradient(logits)

    def shrink(self, pixels: Any) -> Any:
        """The same images as the student gets them, uint8."""
        if self.own.size == self.student.size:
            return pixels
        small = tf.image.resize(pixels, (self.student.size,) * 2, method="area")
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
