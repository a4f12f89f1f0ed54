"""Targets of an SSD: which anchors stand for which object, and what their heads should say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POSITIVE_IOU = 0.5
NEGATIVE_IOU = 0.4  # between the two an anchor is neither: it counts nowhere
NEARLY = 0.8  # of an object's best overlap, which is as good where that is below POSITIVE_IOU
COVERED = 0.5  # share of an anchor within an ignored object from which it counts nowhere
BOX_SCALES = (10.0, 10.0, 5.0, 5.0)  # factors of t_y, t_x, t_h, t_w, as in the published weights
NEGATIVE = -1
NOWHERE = -2


@dataclass(frozen=True, slots=True)
class Targets:
    """What the heads should answer to one image.

    ``classes`` int32 (anchors,): the class of a positive anchor, :data:`NEGATIVE`, or
    :data:`NOWHERE` for one that no loss counts. ``encodings`` float32 (anchors, 4): t_y, t_x,
    t_h, t_w of positive anchors, zero elsewhere.
    """

    classes: NDArray[np.int32]
    encodings: NDArray[np.float32]


class Matcher:
    """Assigns objects to anchors by their overlap (Liu et al. 2016, arXiv:1512.02325, 2.2)."""

    def __init__(self, anchors: NDArray[np.float32]) -> None:
        """``anchors``: float32 (count, 4), centre_y, centre_x, height, width, 0..1."""
        self._anchors = anchors
        half = anchors[:, 2:] / 2
        self._corners = np.concatenate((anchors[:, :2] - half, anchors[:, :2] + half), axis=1)
        self._areas = anchors[:, 2] * anchors[:, 3]

    def overlaps(
        self, boxes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """IoU of every box with every anchor, and the share of the anchor within the box.

        ``boxes`` float32 (n, 4): x_min, y_min, x_max, y_max, 0..1. Returns two float32
        (n, anchors).
        """
        sides = self._corners.T
        x_min, y_min, x_max, y_max = (column[:, np.newaxis] for column in boxes.T)
        height = np.minimum(y_max, sides[2]) - np.maximum(y_min, sides[0])
        width = np.minimum(x_max, sides[3]) - np.maximum(x_min, sides[1])
        common = np.maximum(height, 0) * np.maximum(width, 0)
        union = (x_max - x_min) * (y_max - y_min) + self._areas - common
        iou: NDArray[np.float32] = common / np.maximum(union, 1e-12)
        return iou, common / np.maximum(self._areas, 1e-12)

    def __call__(
        self,
        boxes: NDArray[np.float32],
        class_ids: NDArray[np.int32],
        ignored: NDArray[np.bool_],
    ) -> Targets:
        """Targets for the objects of one image.

        An anchor is positive for the object it overlaps most, from :data:`POSITIVE_IOU` on. An
        object that no anchor fits well also gets those that fit it nearly as well as the best:
        with that one alone it would be learnt a tenth as often as others. ``boxes`` float32
        (n, 4): x_min, y_min, x_max, y_max, 0..1 of the input; ``ignored`` ones are neither found
        nor missed.
        """
        count = len(self._anchors)
        classes = np.full(count, NEGATIVE, np.int32)
        encodings = np.zeros((count, 4), np.float32)
        if ignored.any():
            iou, covered = self.overlaps(boxes[ignored])
            classes[((iou >= NEGATIVE_IOU) | (covered >= COVERED)).any(axis=0)] = NOWHERE
        boxes, class_ids = boxes[~ignored], class_ids[~ignored]
        if len(boxes) == 0:
            return Targets(classes, encodings)
        iou, _ = self.overlaps(boxes)
        best = iou.max(axis=0)
        objects = iou.argmax(axis=0)
        classes[(best >= NEGATIVE_IOU) & (best < POSITIVE_IOU)] = NOWHERE
        fits = iou.max(axis=1)
        wanted = np.minimum(POSITIVE_IOU, NEARLY * fits)
        positive = (best >= wanted[objects]) & (best > 0)
        # Small objects last: where two want one anchor, the smaller has fewer others.
        sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        for number in np.argsort(-sizes, kind="stable"):
            if fits[number] > 0:
                anchor = int(iou[number].argmax())
                positive[anchor], objects[anchor] = True, number
        chosen = np.flatnonzero(positive)
        classes[chosen] = class_ids[objects[chosen]]
        encodings[chosen] = encode(boxes[objects[chosen]], self._anchors[chosen])
        return Targets(classes, encodings)


def class_target(
    _boxes: NDArray[np.float32], class_ids: NDArray[np.int32], _ignored: NDArray[np.bool_]
) -> Targets:
    """The target of a classifier's image, whose one box is the whole: its class, and no box."""
    return Targets(class_ids[:1], np.zeros((1, 0), np.float32))


def encode(boxes: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """SSD's box encoding, the inverse of :func:`device.inference.decode_ssd.decode_boxes`.

    t = (centre - anchor's centre) / anchor's size, and log(size / anchor's size), each times its
    :data:`BOX_SCALES`. ``boxes`` float32 (n, 4): x_min, y_min, x_max, y_max. Returns float32
    (n, 4): t_y, t_x, t_h, t_w.
    """
    corners = boxes[:, [1, 0, 3, 2]]
    sizes = np.maximum(corners[:, 2:] - corners[:, :2], 1e-6)
    centres = corners[:, :2] + sizes / 2
    offsets = (centres - anchors[:, :2]) / anchors[:, 2:]
    encoded = np.concatenate((offsets, np.log(sizes / anchors[:, 2:])), axis=1)
    scaled: NDArray[np.float32] = (encoded * np.array(BOX_SCALES)).astype(np.float32)
    return scaled
