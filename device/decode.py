"""From a model's outputs to boxes and classes; for an SSD: threshold, decode, suppress.

An SSD's raw heads answer with a score per anchor and class, nearly all of them near zero. The
threshold is therefore moved into the units of the score tensor, once, and compared with the
integers the interpreter wrote; only what survives is dequantised, decoded and suppressed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from device.errors import BundleError, InterpreterError
from device.manifest import (
    ClassifierHead,
    ClassifierRule,
    DetectionsHead,
    DetectionsRule,
    Head,
    Rule,
    SsdHead,
    SsdRule,
    TensorSpec,
)
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


def decode_boxes(
    encodings: NDArray[np.float32],
    anchors: NDArray[np.float32],
    box_scales: Sequence[float],
) -> NDArray[np.float32]:
    """Undo SSD's box encoding (Liu et al. 2016, arXiv:1512.02325, section 2.2).

    ``encodings`` and ``anchors``: float32 (count, 4), as (t_y, t_x, t_h, t_w) and
    (centre_y, centre_x, height, width). Returns x_min, y_min, x_max, y_max in the anchors' units.
    """
    t = encodings / np.asarray(box_scales, np.float32)
    sizes = anchors[:, 2:]
    centre = t[:, :2] * sizes + anchors[:, :2]
    half = np.exp(t[:, 2:]) * sizes / 2
    boxes = np.empty_like(t)
    boxes[:, 1::-1], boxes[:, 3:1:-1] = centre - half, centre + half
    return boxes


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
    order = np.argsort(-scores, kind="stable")
    sides = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1, dtype=np.float64)
    kept: NDArray[np.intp] = order[:0]
    looked_at = 0
    while len(kept) < max_detections and looked_at < len(order):
        looked_at = min(len(order), 2 * looked_at or 4 * max_detections)
        best = order[:looked_at]
        chosen = cv2.dnn.NMSBoxesBatched(
            sides[best],
            scores[best],
            class_ids[best],
            score_threshold=0.0,
            nms_threshold=iou_threshold,
        )
        kept = best[np.sort(np.asarray(chosen, np.intp).ravel())]
    return kept[:max_detections]


class SsdDecoder:
    """Turns the outputs of one variant into :class:`Candidates`."""

    def __init__(
        self, heads: Sequence[SsdHead], anchors: NDArray[np.float32], rule: SsdRule
    ) -> None:
        """``anchors``: float32 (count, 4), centre_y, centre_x, height, width, 0..1 of the input."""
        self.heads = tuple(heads)
        self.anchors = anchors
        self.rule = rule

    def __call__(
        self, outputs: Sequence[Tensor], threshold: float, max_detections: int
    ) -> Candidates:
        """Decode one inference; ``outputs`` in the interpreter's order."""
        logits = self.rule.score == "logit"
        real_threshold = logit(threshold) if logits else threshold
        background = self.rule.background if self.rule.background is not None else slice(0)
        encodings, anchor_ids, confidences, class_ids = [], [], [], []
        for head in self.heads:
            scores = outputs[head.scores.position].reshape(head.anchors, -1)
            passed = scores >= tensor_threshold(head.scores, real_threshold)
            passed[:, background] = False  # which most anchors see
            places = np.flatnonzero(passed)
            if len(places) == 0:
                continue
            rows, columns = np.divmod(places, scores.shape[1])
            boxes = outputs[head.boxes.position].reshape(head.anchors, 4)
            encodings.append(dequantise(boxes[rows], head.boxes))
            anchor_ids.append(rows + head.first_anchor)
            confidences.append(dequantise(scores[rows, columns], head.scores))
            class_ids.append(columns)
        if not confidences:
            return Candidates(
                np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp)
            )
        boxes = decode_boxes(
            np.concatenate(encodings),
            self.anchors[np.concatenate(anchor_ids)],
            self.rule.box_scales,
        )
        _refuse_broken(boxes)
        scores = np.concatenate(confidences)
        if logits:
            scores = 1.0 / (1.0 + np.exp(-scores))
        classes = np.concatenate(class_ids)
        kept = suppress(boxes, scores, classes, self.rule.iou_threshold, max_detections)
        return Candidates(boxes[kept], scores[kept], classes[kept])


class DetectionsDecoder:
    """Reads the outputs of a model that has decoded and suppressed its boxes itself."""

    def __init__(self, head: DetectionsHead) -> None:
        self.head = head

    def __call__(
        self, outputs: Sequence[Tensor], threshold: float, max_detections: int
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
        passed = np.flatnonzero(scores >= threshold)
        kept = passed[np.argsort(-scores[passed], kind="stable")][:max_detections]
        boxes = real(head.boxes).reshape(-1, 4)[kept][:, [1, 0, 3, 2]]
        class_ids = real(head.classes).reshape(-1)[kept]
        _refuse_broken(boxes, class_ids)
        return Candidates(boxes, scores[kept], np.maximum(class_ids, 0).astype(np.intp))


def _refuse_broken(*arrays: NDArray[np.float32]) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
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
        self, outputs: Sequence[Tensor], threshold: float, max_detections: int
    ) -> Candidates:
        """The classes scored at least ``threshold``, at most ``max_detections`` and ``top``."""
        scores = dequantise(outputs[self.head.scores.position].reshape(-1), self.head.scores)
        if self.rule.score == "logit":
            powers = np.exp(scores - scores.max())  # softmax, without overflow
            scores = powers / powers.sum()
        if self.rule.background is not None:
            scores[self.rule.background] = -1.0
        best = np.argsort(-scores, kind="stable")[: min(self.rule.top, max_detections)]
        best = best[scores[best] >= threshold]
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
