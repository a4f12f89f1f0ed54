"""A teacher: the whole network, and what it says at the anchors of a smaller one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convert.models.anchors import AnchorLayout
from convert.training.network import normalised, raw_heads
from convert.training.targets import BOX_SCALES, NEARLY, NEGATIVE_IOU, POSITIVE_IOU

NOTHING = -8.0  # a logit: 0.03 % sure
ANSWERS = 100  # objects of the teacher in an image, its surest
SAME_IOU = 0.6  # of two answers about one object, as where detections are suppressed
LEAST_OVERLAP = 1e-6
LEAST_SCORE = float(1 / (1 + np.exp(-NOTHING)))


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
        self._anchors = tf.constant(own.anchors())
        self._asked = tf.constant(student.anchors())

    def say(self, pixels: Any) -> tuple[Any, Any]:
        """Encodings (batch, anchors, 4) and logits (batch, anchors, classes) at our anchors.

        ``pixels`` uint8 (batch, size, size, 3), RGB. Nothing of it is trained.
        """
        outputs = self.model(normalised(pixels), training=False)
        encodings, logits = raw_heads(outputs, self.classes)
        if self.own != self.student:
            boxes = boxes_at(encodings, self._anchors)
            encodings, logits = answers_at(self._asked, boxes, logits)
        return tf.stop_gradient(encodings), tf.stop_gradient(logits)

    def shrink(self, pixels: Any) -> Any:
        """The same images as the student gets them, uint8."""
        if self.own.size == self.student.size:
            return pixels
        small = tf.image.resize(pixels, (self.student.size,) * 2, method="area")
        return tf.cast(tf.round(small), tf.uint8)


def boxes_at(encodings: Any, anchors: Any) -> Any:
    """The boxes that ``encodings`` (batch, anchors, 4) of ``anchors`` (anchors, 4) stand for.

    Float32 (batch, anchors, 4): centre_y, centre_x, height, width, 0..1, as the anchors.
    """
    t = encodings / np.array(BOX_SCALES, np.float32)
    centres = t[..., :2] * anchors[:, 2:] + anchors[:, :2]
    return tf.concat((centres, tf.exp(t[..., 2:]) * anchors[:, 2:]), axis=-1)


def answers_at(anchors: Any, boxes: Any, logits: Any) -> tuple[Any, Any]:
    """What a network that answered with ``boxes`` and ``logits`` would say at other ``anchors``.

    What it finds, its surest answers to each object, is assigned to anchors as
    :class:`~convert.training.targets.Matcher` assigns labels, a score being as much of an object;
    between the overlaps at which an anchor stands for an object and for none, the score fades. To
    take what it says at the anchor that is most alike will not do, for that one stands for other
    objects: a student of 236 pixels was taught down from an mAP of 0.62 to one of 0.57.

    ``anchors`` float32 (n, 4), ``boxes`` float32 (batch, m, 4): centre_y, centre_x, height, width,
    0..1; ``logits`` float32 (batch, m, classes). Returns float32 encodings (batch, n, 4) and
    logits (batch, n, classes), :data:`NOTHING` at the least.
    """
    sureness = tf.sigmoid(tf.reduce_max(logits, axis=-1))
    surest, found = tf.image.non_max_suppression_padded(
        tf.concat((boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2), -1),
        sureness,
        min(ANSWERS, int(boxes.shape[1])),
        iou_threshold=SAME_IOU,
        score_threshold=LEAST_SCORE,
        pad_to_max_output_size=True,
        canonicalized_coordinates=True,
    )
    sureness, boxes, logits = (
        tf.gather(item, surest, batch_dims=1) for item in (sureness, boxes, logits)
    )
    # Beyond those found, the first answer is given again: it is worth nothing there.
    sureness *= tf.sequence_mask(found, surest.shape[1], tf.float32)
    overlaps = _overlaps(anchors, boxes)  # (batch, n, count)
    wanted = tf.minimum(POSITIVE_IOU, NEARLY * tf.reduce_max(overlaps, axis=1, keepdims=True))
    fades = POSITIVE_IOU - NEGATIVE_IOU
    # Not quite up to 1: what is exactly at the limit may be computed to be below it.
    standing = tf.clip_by_value((overlaps - wanted) / fades + 1 + 1e-5, 0.0, 1.0)
    standing *= tf.cast(overlaps > LEAST_OVERLAP, tf.float32)
    chosen = tf.argmax(standing * overlaps * sureness[:, tf.newaxis], axis=-1, output_type=tf.int32)
    standing = tf.gather(standing, chosen, batch_dims=2)[..., tf.newaxis]
    scores = standing * tf.sigmoid(tf.gather(logits, chosen, batch_dims=1))
    objects = tf.gather(boxes, chosen, batch_dims=1)
    offsets = (objects[..., :2] - anchors[:, :2]) / anchors[:, 2:]
    encodings = tf.concat((offsets, tf.math.log(objects[..., 2:] / anchors[:, 2:])), axis=-1)
    scores = tf.clip_by_value(scores, LEAST_SCORE, 1 - LEAST_SCORE)
    return encodings * np.array(BOX_SCALES, np.float32), tf.math.log(scores / (1 - scores))


def _overlaps(anchors: Any, boxes: Any) -> Any:
    """IoU of every anchor with every box: (batch, anchors, boxes)."""
    (y, x, height, width), (tops, lefts, heights, widths) = (
        tf.unstack(item, axis=-1)
        for item in (anchors[tf.newaxis, :, tf.newaxis], boxes[:, tf.newaxis])
    )
    rows, columns = (
        tf.maximum(
            tf.minimum(middle + side / 2, other + other_side / 2)
            - tf.maximum(middle - side / 2, other - other_side / 2),
            0.0,
        )
        for middle, side, other, other_side in (
            (y, height, tops, heights),
            (x, width, lefts, widths),
        )
    )
    common = rows * columns
    return common / (height * width + heights * widths - common)
