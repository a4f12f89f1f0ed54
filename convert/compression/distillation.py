"""Training with the whole network as teacher: its scores and boxes are part of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.compression.teacher import Teacher
from convert.training.losses import box_terms, focal_loss, positives, smooth_l1_loss
from convert.training.ssd_trainer import SsdTrainer

LEAST_MASS = 1.0  # teacher's scores in a batch that shows nothing: what losses are divided by


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
