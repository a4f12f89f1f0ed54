"""From a model's outputs to boxes and classes; for an SSD: threshold, decode, suppress.

An SSD's raw heads answer with a score per anchor and class, nearly all of them near zero. The
threshold is therefore moved into the units of the score tensor, once, and compared with the
integers the interpreter wrote; only what survives is dequantised, decoded and suppressed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import (
    ClassifierHead,
    ClassifierRule,
    DetectionsHead,
    DetectionsRule,
    Head,
    Rule,
    SsdHead,
    SsdRule,
    TensorSpec,
    Threshold,
)
from device.errors import BundleError, InterpreterError
from device.records import Tensor


@dataclass(frozen=True, slots=True)
class Candidates:
    """What survived, best score first.

    ``boxes`` float32 (count, 4) as x_min, y_min, x_max, y_max, 0..1 of the model's input (none,
    (0, 4), of a classifier); ``scores`` float32 (count,), 0..1; ``class_ids`` int (count,).
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.intp]


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


def box_coefficients(
    anchors: NDArray[np.float32], box_scales: Sequence[float], spec: TensorSpec
) -> NDArray[np.float32]:
    """What :func:`decode_boxes` multiplies and adds, worked out once for every anchor.

    SSD's box encoding is undone (Liu et al. 2016, arXiv:1512.02325, section 2.2) from what tensor
    ``spec`` stores: centre = t * size + anchor's centre, half a side = exp(t) * size / 2, with
    t = (stored - zero point) * scale / box scale. Both are ``stored * factor + addend``, the
    second within exp.

    ``anchors``: float32 (count, 4), centre_y, centre_x, height, width. Returns float32
    (2, count, 4), factors and addends in the order t_y, t_x, t_h, t_w.
    """
    centres, sizes = np.split(anchors.astype(np.float64), 2, axis=1)
    units = (spec.scale or 1.0) / np.array(box_scales, np.float64)
    factors = np.concatenate((units[:2] * sizes, np.broadcast_to(units[2:], sizes.shape)), axis=1)
    with np.errstate(divide="ignore"):  # an anchor without a size has boxes without one
        halves = np.log(sizes / 2)
    addends = np.concatenate((centres, halves), axis=1) - spec.zero_point * factors
    coefficients: NDArray[np.float32] = np.stack((factors, addends)).astype(np.float32)
    return coefficients


def decode_boxes(
    stored: NDArray[np.float32], coefficients: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Boxes from what an SSD's head has stored for them.

    ``stored``: (count, 4) as t_y, t_x, t_h, t_w; ``coefficients``: (2, count, 4) of
    :func:`box_coefficients`. Returns float32 (count, 4) as x_min, y_min, x_max, y_max in the
    anchors' units.
    """
    t = stored * coefficients[0] + coefficients[1]
    centre, half = t[:, 1::-1], np.exp(t[:, 3:1:-1])
    return np.concatenate((centre - half, centre + half), axis=1)


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


def _suppress(sides: Any, scores: Any, class_ids: Any, iou_threshold: float) -> NDArray[np.intp]:
    # OpenCV takes arrays, but its types speak of sequences.
    kept = cv2.dnn.NMSBoxesBatched(sides, scores, class_ids, 0.0, iou_threshold)
    return np.asarray(kept, np.intp).reshape(-1)  # best score first, () for none


class SsdDecoder:
    """Turns the outputs of one variant into :class:`Candidates`.

    All heads are laid one after the other, so that their number does not matter to what follows:
    with a head per scale of the pyramid, six times as many small calls would take longer than
    the arithmetic.
    """

    def __init__(
        self, heads: Sequence[SsdHead], anchors: NDArray[np.float32], rule: SsdRule
    ) -> None:
        """``anchors``: float32 (count, 4), centre_y, centre_x, height, width, 0..1 of the input."""
        self.heads = tuple(heads)
        self.rule = rule
        counts = [head.anchors for head in self.heads]
        self._box_coefficients = np.concatenate(
            [
                box_coefficients(
                    anchors[head.first_anchor : head.first_anchor + head.anchors],
                    rule.box_scales,
                    head.boxes,
                )
                for head in self.heads
            ],
            axis=1,
        )
        specs = [head.scores for head in self.heads]
        self._zero_points = np.repeat([np.float32(spec.zero_point) for spec in specs], counts)
        self._scales = np.repeat([np.float32(spec.scale or 1.0) for spec in specs], counts)
        self._classes = math.prod(self.heads[0].scores.shape) // counts[0]
        self._encodings = np.empty((sum(counts), 4), np.float32)
        # One step wider than what is stored, so that a threshold above all values exists.
        stored = np.result_type(*(head.scores.dtype for head in self.heads))
        wider = {1: np.int16, 2: np.int32}.get(stored.itemsize, np.int64)
        self._scores = np.empty(
            (sum(counts), self._classes),
            wider if np.issubdtype(stored, np.integer) else stored,
        )
        self._lowest = np.empty_like(self._scores)  # that pass
        self._lowest_for: Threshold | None = None
        self._passed = np.empty(self._scores.shape, np.bool_)

    def _set_threshold(self, threshold: Threshold) -> None:
        asked = threshold if isinstance(threshold, tuple) else (threshold,)
        # A class beyond the labels is never asked for; one threshold stands for all.
        asked += asked[-1:] * (self._classes - len(asked))
        reals = [logit(item) if self.rule.score == "logit" else item for item in asked]
        integers = np.issubdtype(self._lowest.dtype, np.integer)
        never = np.iinfo(self._lowest.dtype).max if integers else np.nan
        row = 0
        for head in self.heads:
            lowest = [tensor_threshold(head.scores, real) for real in reals[: self._classes]]
            if integers:
                least = np.iinfo(head.scores.dtype).min
                lowest = [min(max(item, least), never) for item in lowest]
            self._lowest[row : row + head.anchors] = lowest
            row += head.anchors
        if self.rule.background is not None:
            self._lowest[:, self.rule.background] = never  # which most anchors see
        self._lowest_for = threshold

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """Decode one inference; ``outputs`` in the interpreter's order.

        ``threshold``: the least score, for all classes or for each class id.
        """
        if threshold != self._lowest_for:
            self._set_threshold(threshold)
        scores = self._scores.reshape(-1)
        _lay_out([outputs[head.scores.position] for head in self.heads], scores)
        np.greater_equal(self._scores, self._lowest, out=self._passed)
        places = np.flatnonzero(self._passed)
        if len(places) == 0:
            return Candidates(
                np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp)
            )
        _lay_out([outputs[head.boxes.position] for head in self.heads], self._encodings.reshape(-1))
        rows = places // self._classes
        class_ids = places - rows * self._classes
        boxes = decode_boxes(self._encodings[rows], self._box_coefficients[:, rows])
        _refuse_broken(boxes)
        confidences = (scores[places] - self._zero_points[rows]) * self._scales[rows]
        if self.rule.score == "logit":
            confidences = 1.0 / (1.0 + np.exp(-confidences))
        kept = suppress(boxes, confidences, class_ids, self.rule.iou_threshold, max_detections)
        return Candidates(boxes[kept], confidences[kept], class_ids[kept])


def _lay_out(tensors: Sequence[Tensor], target: Tensor) -> None:
    """Write ``tensors`` one after the other."""
    np.concatenate([tensor.reshape(-1) for tensor in tensors], out=target, casting="same_kind")


def least_scores(
    threshold: Threshold, class_ids: NDArray[np.float32] | NDArray[np.intp]
) -> float | NDArray[np.float64]:
    """The least score for each of ``class_ids``; of classes beyond those named, the last one's."""
    if not isinstance(threshold, tuple):
        return threshold
    known = np.nan_to_num(class_ids).clip(0, len(threshold) - 1).astype(np.intp)
    return np.array(threshold, np.float64)[known]


class DetectionsDecoder:
    """Reads the outputs of a model that has decoded and suppressed its boxes itself."""

    def __init__(self, head: DetectionsHead) -> None:
        self.head = head

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """The rows scored at least ``threshold``, at most ``max_detections``."""

        def real(spec: TensorSpec) -> NDArray[np.float32]:
            return dequantise(outputs[spec.position], spec)

        head = self.head
        scores = real(head.scores).reshape(-1)
        if head.count is not None:
            count = real(head.count).reshape(-1)
            _refuse_broken(count)
            scores = scores[: max(0, int(count[0]))]
        numbers = real(head.classes).reshape(-1)[: len(scores)]
        passed = np.flatnonzero(scores >= least_scores(threshold, numbers))
        kept = passed[np.argsort(-scores[passed], kind="stable")][:max_detections]
        boxes = real(head.boxes).reshape(-1, 4)[kept][:, [1, 0, 3, 2]]
        class_ids = numbers[kept]
        _refuse_broken(boxes, class_ids)
        return Candidates(boxes, scores[kept], np.maximum(class_ids, 0).astype(np.intp))


def _refuse_broken(*arrays: NDArray[np.float32]) -> None:
    # A sum has one value to look at, and one that is no number makes it none.
    if not all(math.isfinite(array.sum()) for array in arrays):
        raise InterpreterError(
            "the model answers with boxes that are not numbers: the variant is broken here, "
            "take another variant or interpreter"
        )


class ClassifierDecoder:
    """Turns the scores of a classifier into its best classes."""

    def __init__(self, head: ClassifierHead, rule: ClassifierRule) -> None:
        self.head = head
        self.rule = rule

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """The classes scored at least ``threshold``, at most ``max_detections`` and ``top``."""
        scores = dequantise(outputs[self.head.scores.position].reshape(-1), self.head.scores)
        if self.rule.score == "logit":
            powers = np.exp(scores - scores.max())  # softmax, without overflow
            scores = powers / powers.sum()
        if self.rule.background is not None:
            scores[self.rule.background] = -1.0
        best = np.argsort(-scores, kind="stable")[: min(self.rule.top, max_detections)]
        best = best[scores[best] >= least_scores(threshold, best)]
        return Candidates(np.empty((0, 4), np.float32), scores[best], best)


Decoder = SsdDecoder | DetectionsDecoder | ClassifierDecoder


def make_decoder(heads: Sequence[Head], rule: Rule, anchors: NDArray[np.float32] | None) -> Decoder:
    """The decoder for ``rule``; ``anchors`` are only asked by SSD. Raises ``BundleError``."""
    if isinstance(rule, SsdRule):
        ssd_heads = [head for head in heads if isinstance(head, SsdHead)]
        reach = max((head.first_anchor + head.anchors for head in ssd_heads), default=0)
        if anchors is not None and 0 < reach <= len(anchors) and len(ssd_heads) == len(heads):
            return SsdDecoder(ssd_heads, anchors, rule)
    else:
        match rule, heads:
            case ClassifierRule(), [ClassifierHead() as head]:
                return ClassifierDecoder(head, rule)
            case DetectionsRule(), [DetectionsHead() as head]:
                return DetectionsDecoder(head)
    raise BundleError("the manifest's heads and decoder do not belong together")
