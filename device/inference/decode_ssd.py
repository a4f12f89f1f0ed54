"""Decoding of an SSD's raw heads: threshold, decode, suppress.

They answer with a score per anchor and class, nearly all of them near zero. The threshold is
therefore moved into the units of the score tensor, once, and compared with the integers the
interpreter wrote; only what survives is dequantised, decoded and suppressed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import SsdRule
from device.bundle.heads import SsdHead, TensorSpec
from device.bundle.manifest import Threshold
from device.errors import BundleError
from device.inference.candidates import (
    VOTER_SCORE,
    Candidates,
    logit,
    refuse_broken,
    suppress,
    tensor_threshold,
    vote,
)
from device.inference.thresholds import changed
from device.records import Tensor


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


class SsdDecoder:
    """Turns the outputs of one variant into :class:`Candidates`.

    All heads are laid one after the other, so that their number does not matter to what follows:
    with a head per scale of the pyramid, six times as many small calls would take longer than
    the arithmetic.
    """

    def __init__(
        self, heads: Sequence[SsdHead], anchors: NDArray[np.float32], rule: SsdRule
    ) -> None:
        """``anchors``: float32 (count, 4), centre_y, centre_x, height, width, 0..1 of the input.

        Raises ``BundleError`` where the heads do not hold what they say, or share a tensor.
        """
        self._classes = _classes_of(heads)
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
        self._encodings = np.empty((sum(counts), 4), np.float32)
        # One step wider than what is stored, so that a threshold above all values exists.
        stored = np.result_type(*(head.scores.dtype for head in self.heads))
        wider = {1: np.int16, 2: np.int32}.get(stored.itemsize, np.int64)
        self._scores = np.empty(
            (sum(counts), self._classes),
            wider if np.issubdtype(stored, np.integer) else stored,
        )
        self._lowest = np.empty_like(self._scores)  # that are told
        # Lower ones have a vote on the boxes of these, which so do not depend on the threshold.
        self._lowest_voting = np.empty_like(self._scores) if rule.box_voting else self._lowest
        self._lowest_for: Threshold | None = None
        self._passed = np.empty(self._scores.shape, np.bool_)

    def _set_threshold(self, threshold: Threshold) -> None:
        self._fill(self._lowest, threshold)
        if self.rule.box_voting:
            self._fill(self._lowest_voting, changed(threshold, lambda least: VOTER_SCORE * least))
        self._lowest_for = threshold

    def _fill(self, lowest_scores: Tensor, threshold: Threshold) -> None:
        """Write the lowest score of each anchor and class that reaches ``threshold``."""
        asked = threshold if isinstance(threshold, tuple) else (threshold,)
        # A class beyond the labels is never asked for; one threshold stands for all.
        asked += asked[-1:] * (self._classes - len(asked))
        reals = [logit(item) if self.rule.score == "logit" else item for item in asked]
        integers = np.issubdtype(lowest_scores.dtype, np.integer)
        never = np.iinfo(lowest_scores.dtype).max if integers else np.nan
        row = 0
        for head in self.heads:
            lowest = [tensor_threshold(head.scores, real) for real in reals[: self._classes]]
            if integers:
                least = np.iinfo(head.scores.dtype).min
                lowest = [min(max(item, least), never) for item in lowest]
            lowest_scores[row : row + head.anchors] = lowest
            row += head.anchors
        if self.rule.background is not None:
            lowest_scores[:, self.rule.background] = never  # which most anchors see

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
        np.greater_equal(self._scores, self._lowest_voting, out=self._passed)
        places = np.flatnonzero(self._passed)
        (told,) = np.nonzero(scores[places] >= self._lowest.reshape(-1)[places])
        if len(told) == 0:
            return Candidates(
                np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp)
            )
        _lay_out([outputs[head.boxes.position] for head in self.heads], self._encodings.reshape(-1))
        rows = places // self._classes
        class_ids = places - rows * self._classes
        boxes = decode_boxes(self._encodings[rows], self._box_coefficients[:, rows])
        refuse_broken(boxes)
        confidences = (scores[places] - self._zero_points[rows]) * self._scales[rows]
        if self.rule.score == "logit":
            confidences = 1.0 / (1.0 + np.exp(-confidences))
        kept = told[
            suppress(
                boxes[told],
                confidences[told],
                class_ids[told],
                self.rule.iou_threshold,
                max_detections,
            )
        ]
        shown = vote(boxes, confidences, class_ids, kept) if self.rule.box_voting else boxes[kept]
        return Candidates(shown, confidences[kept], class_ids[kept])


def _classes_of(heads: Sequence[SsdHead]) -> int:
    """How many classes the heads score; raises ``BundleError`` where their tensors tell otherwise.

    What is allocated for them is then as large as the model's own outputs, whoever wrote of them.
    """
    classes = math.prod(heads[0].scores.shape) // heads[0].anchors
    for head in heads:
        values = math.prod(head.boxes.shape), math.prod(head.scores.shape)
        if values != (4 * head.anchors, classes * head.anchors):
            raise BundleError(
                f"outputs {head.boxes.position} and {head.scores.position} hold {values[0]} and "
                f"{values[1]} values, but the manifest has {head.anchors} anchors there of "
                f"{classes} classes; build the bundle again"
            )
    positions = [tensor.position for head in heads for tensor in head.tensors]
    if len(set(positions)) < len(positions):
        raise BundleError("the manifest has one output for two things; build the bundle again")
    return classes


def _lay_out(tensors: Sequence[Tensor], target: Tensor) -> None:
    """Write ``tensors`` one after the other."""
    np.concatenate([tensor.reshape(-1) for tensor in tensors], out=target, casting="same_kind")
