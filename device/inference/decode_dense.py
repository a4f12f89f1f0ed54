"""Decoding of dense candidates: boxes that a model has decoded but not suppressed, as YOLO's.

Nearly all scores are near zero. The threshold is moved into the units of the tensor and compared
with what the interpreter wrote; only what survives becomes real numbers and boxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import DenseRule, Units
from device.bundle.heads import DenseHead, RowsHead, TensorSpec
from device.bundle.manifest import Threshold
from device.errors import BundleError
from device.inference.candidates import (
    Candidates,
    dequantise,
    logit,
    refuse_broken,
    suppress,
    tensor_threshold,
)
from device.inference.thresholds import least_scores
from device.records import Tensor

BOX = 4  # values of a box
ROW = 6  # values of a detection of a model that suppresses its boxes itself
MOST_OF_A_FRACTION = 2.0  # boxes reach beyond the input, but not so far: larger is in pixels


class DenseDecoder:
    """Turns candidates, each a box and a score per class, into :class:`Candidates`."""

    def __init__(self, head: DenseHead, rule: DenseRule, input_wh: tuple[int, int]) -> None:
        """Raises ``BundleError`` where the tensors are not as the rule says."""
        self.head = head
        self.rule = rule
        self._input_wh = input_wh
        joined = head.boxes == head.scores
        self._first = BOX + rule.objectness if joined else int(rule.objectness)  # score's column
        for spec, least in (
            (head.boxes, BOX),
            (head.scores, self._first + rule.classes),
        ):
            if _wide(spec, rule) < least:
                raise BundleError(
                    f"output {spec.position} is {spec.shape}, too small for "
                    f"{rule.classes} classes; build the bundle again"
                )
        count = math.prod(_tall_and_wide(head.boxes)) // _wide(head.boxes, rule)
        self._centres = _centres(rule, input_wh, count) if rule.cells else None
        if head.anchors is not None and math.prod(head.anchors.shape) != BOX * count:
            raise BundleError(
                f"output {head.anchors.position} is {head.anchors.shape}, no anchors of {count:,} "
                "candidates; build the bundle again"
            )
        self._lowest: NDArray[np.float64] = np.empty(0)
        self._lowest_for: Threshold | None = None

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """Decode one inference; ``outputs`` in the interpreter's order.

        ``threshold``: the least score, for all classes or for each class id.
        """
        if threshold != self._lowest_for:
            self._set_threshold(threshold)
        table = self._table(outputs, self.head.scores)
        rows, class_ids = self._passing(table)
        scores = self._scores(table, rows, class_ids)
        if self.rule.objectness:  # what passed by one factor may fail by their product
            passed = scores >= least_scores(threshold, class_ids)
            rows, class_ids, scores = rows[passed], class_ids[passed], scores[passed]
        found = dequantise(self._table(outputs, self.head.boxes)[rows, :BOX], self.head.boxes)
        if self._centres is not None:
            found[:, :2] += self._centres[rows]
        if self.head.anchors is not None:
            anchors = outputs[self.head.anchors.position].reshape(-1, BOX)[rows]
            found = _beside(dequantise(anchors, self.head.anchors), found)
        boxes = _corners(found, self.rule.box)
        refuse_broken(boxes, scores)
        boxes = _as_fractions(boxes, self.rule.units, self._input_wh)
        kept = suppress(boxes, scores, class_ids, self.rule.iou_threshold, max_detections)
        return Candidates(boxes[kept], scores[kept], class_ids[kept])

    def _set_threshold(self, threshold: Threshold) -> None:
        rule = self.rule
        ids = np.arange(rule.classes)
        asked = np.broadcast_to(least_scores(threshold, ids), ids.shape)
        reals = [logit(item) if rule.score == "logit" else item for item in asked.tolist()]
        self._lowest = np.array([tensor_threshold(self.head.scores, real) for real in reals])
        if rule.background is not None:
            self._lowest[rule.background] = np.inf
        self._lowest_for = threshold

    def _table(self, outputs: Sequence[Tensor], spec: TensorSpec) -> Tensor:
        """A row per candidate; a view of the tensor."""
        tensor = outputs[spec.position]
        table = tensor.reshape(_tall_and_wide(spec))
        return table.T if self.rule.candidates == "columns" else table

    def _passing(self, table: Tensor) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and classes whose score can reach the threshold."""
        rule, first = self.rule, self._first
        scores = table[:, first : first + rule.classes]
        if not rule.objectness:
            return self._at_least(scores, self._lowest)
        # Neither factor is more than 1, so each alone must reach what their product must.
        likely = np.flatnonzero(table[:, first - 1] >= _within(table.dtype, self._lowest.min()))
        rows, class_ids = self._at_least(scores[likely], self._lowest)
        return likely[rows], class_ids

    def _at_least(
        self, scores: Tensor, lowest: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if np.issubdtype(scores.dtype, np.integer):
            limits = np.iinfo(scores.dtype)
            never = lowest > limits.max
            bound = np.clip(lowest, limits.min, limits.max).astype(scores.dtype)
        else:
            never, bound = np.isposinf(lowest), lowest.astype(scores.dtype)
        if self.rule.candidates == "columns":  # as they lie in memory: across is slower
            class_ids, rows = np.nonzero(bound[:, np.newaxis] <= scores.T)
        else:
            rows, class_ids = np.nonzero(scores >= bound)
        if never.any():
            kept = ~never[class_ids]
            rows, class_ids = rows[kept], class_ids[kept]
        return rows, class_ids

    def _scores(
        self, table: Tensor, rows: NDArray[np.intp], class_ids: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        spec = self.head.scores

        def real(columns: NDArray[np.intp] | int) -> NDArray[np.float32]:
            values = dequantise(table[rows, columns], spec)
            if self.rule.score == "logit":
                values = 1 / (1 + np.exp(-values))
            return np.asarray(values, np.float32)

        scores = real(self._first + class_ids)
        if self.rule.objectness:
            scores = scores * real(self._first - 1)
        return np.minimum(scores, np.float32(1))  # a step of quantisation may lie beyond


class RowsDecoder:
    """Reads the rows of a YOLO that suppresses its boxes itself."""

    def __init__(self, head: RowsHead, units: Units, input_wh: tuple[int, int]) -> None:
        """Raises ``BundleError`` where the tensor has no rows of six."""
        if math.prod(head.rows.shape) % ROW:
            raise BundleError(f"output {head.rows.position} is {head.rows.shape}, not rows of six")
        self.head = head
        self._units: Units = units
        self._input_wh = input_wh

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """The rows scored at least ``threshold``, at most ``max_detections``."""
        spec = self.head.rows
        rows = dequantise(outputs[spec.position], spec).reshape(-1, ROW)
        scores, numbers = rows[:, 4], rows[:, 5]
        real = (rows[:, 2] > rows[:, 0]) & (rows[:, 3] > rows[:, 1])  # the others pad
        passed = np.flatnonzero(real & (scores >= least_scores(threshold, numbers)))
        kept = passed[np.argsort(-scores[passed], kind="stable")][:max_detections]
        boxes = _as_fractions(rows[kept, :BOX], self._units, self._input_wh)
        refuse_broken(rows)
        class_ids = np.maximum(np.rint(numbers[kept]), 0).astype(np.intp)
        return Candidates(boxes, scores[kept], class_ids)


def _as_fractions(
    boxes: NDArray[np.float32], units: Units, input_wh: tuple[int, int]
) -> NDArray[np.float32]:
    """``boxes`` in 0..1 of the input."""
    if units == "fraction" or not boxes.size:
        return boxes
    if units == "either" and np.abs(boxes).max() <= MOST_OF_A_FRACTION:
        return boxes
    return boxes / np.array(input_wh * 2, np.float32)


def _centres(rule: DenseRule, input_wh: tuple[int, int], count: int) -> NDArray[np.float32]:
    """The middle of each candidate's cell, float32 (count, 2), in pixels of the input.

    Raises ``BundleError`` where the cells have another number of candidates.
    """
    grids = [
        (side, shapes, -(-input_wh[0] // side), -(-input_wh[1] // side))
        for side, shapes in rule.cells
    ]
    made = sum(shapes * wide * tall for _, shapes, wide, tall in grids)
    if made != count:  # before anything is made as large as the manifest says
        raise BundleError(
            f"the manifest has cells of {made:,} candidates, the model {count:,}; build the bundle "
            "again"
        )
    maps = [
        np.repeat(np.indices((tall, wide))[::-1].reshape(2, -1).T + 0.5, shapes, axis=0) * side
        for side, shapes, wide, tall in grids
    ]
    centres: NDArray[np.float32] = np.concatenate(maps).astype(np.float32)
    return centres


def _beside(anchors: NDArray[np.float32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corners that lie ``offsets`` beside those of ``anchors``, in their widths and heights."""
    sizes = anchors[:, 2:] - anchors[:, :2]
    corners: NDArray[np.float32] = anchors + offsets * np.concatenate((sizes, sizes), axis=1)
    return corners


def _tall_and_wide(spec: TensorSpec) -> tuple[int, int]:
    """The two axes of a tensor that are meant; others have a length of 1."""
    sides = [side for side in spec.shape if side != 1]
    if len(sides) != 2:
        sides = list(spec.shape[-2:])
    return sides[0], sides[1]


def _wide(spec: TensorSpec, rule: DenseRule) -> int:
    """How many values a candidate has."""
    return _tall_and_wide(spec)[rule.candidates == "rows"]


def _within(dtype: np.dtype, value: float) -> float | int:  # type: ignore[type-arg]
    """``value`` as near as ``dtype`` comes, so that it can be compared."""
    if not np.issubdtype(dtype, np.integer):
        return value
    limits = np.iinfo(dtype)
    return int(min(max(value, limits.min), limits.max))


def _corners(boxes: NDArray[np.float32], box: str) -> NDArray[np.float32]:
    """x_min, y_min, x_max, y_max from what the model gives."""
    if box == "yxyx":
        return boxes[:, [1, 0, 3, 2]]
    if box == "xyxy":
        return boxes
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate((centre - half, centre + half), axis=1)
