"""Candidates: what survives a score threshold, and the suppression of those that overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from device.bundle.heads import TensorSpec
from device.errors import InterpreterError
from device.inference.boxes import pairwise_iou
from device.records import Tensor

VOTER_IOU = 0.7  # with a box that is kept, from which another one has a vote on where it lies
VOTER_SCORE = 0.5  # of its score, from which


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates that survived, best score first.

    ``boxes`` float32 (count, 4) as x_min, y_min, x_max, y_max, 0..1 of the model's input (none,
    (0, 4), of a classifier); ``scores`` float32 (count,), 0..1; ``class_ids`` int (count,).
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.intp]

    def only(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Candidates:
        """Those of a mask (count,), or those with these numbers, in their order."""
        return Candidates(self.boxes[which], self.scores[which], self.class_ids[which])


def dequantise(values: Tensor, spec: TensorSpec) -> NDArray[np.float32]:
    """The real numbers that ``values`` of tensor ``spec`` stand for, as float32."""
    if spec.scale == 0.0:
        return values.astype(np.float32)
    return (values.astype(np.float32) - np.float32(spec.zero_point)) * np.float32(spec.scale)


def logit(probability: float) -> float:
    """Inverse of the logistic function; infinite at 0 and 1."""
    if probability <= 0.0:
        return -math.inf
    return math.inf if probability >= 1.0 else math.log(probability / (1.0 - probability))


def tensor_threshold(spec: TensorSpec, real: float) -> float:
    """The smallest stored value of ``spec`` that stands for at least ``real``.

    For integer tensors a whole number, which may lie outside the type: then all or none pass.
    """
    if spec.scale == 0.0 or math.isinf(real):
        return real
    # A hair of slack: a value that dequantises to the threshold itself must pass.
    return math.ceil(real / spec.scale - 1e-6) + spec.zero_point


def suppress(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.intp],
    iou_threshold: float,
    max_detections: int,
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression within each class.

    Returns the indices of the ``max_detections`` best that are kept, best score first. What is
    kept among the best candidates does not depend on the rest, so worse ones are looked at
    only while too few are kept: at a threshold of 0.001 that makes it a hundred times faster.
    """
    sides = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1, dtype=np.float64)
    looked_at = 4 * max_detections
    if len(scores) <= looked_at:
        return _suppress(sides, scores, class_ids, iou_threshold)[:max_detections]
    order = np.argsort(-scores, kind="stable")
    while True:
        best = order[:looked_at]
        kept = best[_suppress(sides[best], scores[best], class_ids[best], iou_threshold)]
        if len(kept) >= max_detections or looked_at >= len(order):
            return kept[:max_detections]
        looked_at *= 2


def vote(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.intp],
    kept: NDArray[np.intp],
) -> NDArray[np.float32]:
    """The boxes that are ``kept``, each as the candidates for its object have it: (count, 4).

    Box voting (Gidaris and Komodakis 2015): the mean of the boxes of its class that overlap it by
    ``VOTER_IOU`` and have ``VOTER_SCORE`` of its score, weighted by squared score times overlap.
    """
    voted = boxes[kept]
    for class_id in np.unique(class_ids[kept]):
        (voters,) = np.nonzero(class_ids == class_id)
        (places,) = np.nonzero(class_ids[kept] == class_id)
        corners, sureness = boxes[voters].astype(np.float64), scores[voters].astype(np.float64)
        overlaps = pairwise_iou(voted[places].astype(np.float64), corners)
        least = VOTER_SCORE * scores[kept[places], np.newaxis]
        votes = np.where((overlaps >= VOTER_IOU) & (sureness >= least), overlaps * sureness**2, 0)
        total = votes.sum(axis=1)
        cast = total > 0  # a box without an area overlaps nothing, not even itself
        voted[places[cast]] = (votes @ corners)[cast] / total[cast, np.newaxis]
    return voted


def _suppress(sides: Any, scores: Any, class_ids: Any, iou_threshold: float) -> NDArray[np.intp]:
    # OpenCV takes arrays, but its types speak of sequences.
    if hasattr(cv2.dnn, "NMSBoxesBatched"):
        kept: Any = cv2.dnn.NMSBoxesBatched(sides, scores, class_ids, 0.0, iou_threshold)
    else:  # before OpenCV 4.7, such as Debian Bookworm's 4.6
        kept = cv2.dnn.NMSBoxes(_apart(sides, class_ids), scores, 0.0, iou_threshold)
    return np.asarray(kept, np.intp).reshape(-1)  # best score first, () for none


def _apart(sides: Any, class_ids: Any) -> Any:
    """``sides`` with each class beside the others, so that none overlaps another's."""
    if not len(sides):
        return sides
    width = (sides[:, 0] + sides[:, 2]).max() - sides[:, 0].min()
    return sides + np.outer(class_ids * (width + 1.0), (1.0, 0.0, 0.0, 0.0))


def refuse_broken(*arrays: NDArray[np.float32]) -> None:
    """Raise ``InterpreterError`` where one of ``arrays`` holds what is no finite number."""
    # A sum has one value to look at, and one that is no number makes it none.
    if not all(math.isfinite(array.sum()) for array in arrays):
        raise InterpreterError(
            "the model answers with boxes that are not numbers: the variant is broken here, "
            "take another variant or interpreter"
        )
