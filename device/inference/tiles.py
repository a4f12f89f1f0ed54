"""Tiles: a frame cut into overlapping parts, and one list of what was found on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.inference.boxes import MATCH_IOU, pairwise_iou
from device.inference.candidates import Candidates
from device.inference.preprocess import Rectangle

OVERLAP = 0.2  # of a tile's side: what is smaller is whole on one of the two at a seam
EDGE = 0.01  # of a tile's side: a box that ends so near to a seam is cut by it
PIECE = 0.5  # of a cut box's area: with as much on another box, it is a piece of the same object


class Grid(NamedTuple):
    """How many tiles lie beside and below each other."""

    columns: int
    rows: int


@lru_cache(maxsize=8)  # a camera's frames are all of one size
def tiles_of(grid: Grid, size_wh: tuple[int, int]) -> tuple[Rectangle, ...]:
    """The tiles of a frame of ``size_wh`` pixels, row by row; together they cover it."""
    columns, rows = (_spans(*pair) for pair in zip(grid, size_wh, strict=True))
    return tuple(
        Rectangle(left, top, width, height) for top, height in rows for left, width in columns
    )


def _spans(count: int, length: int) -> list[tuple[int, int]]:
    """Start and length of each of ``count`` overlapping parts of ``length`` pixels."""
    part = min(length, -int(-length // (count - (count - 1) * OVERLAP)))
    return [(round(n * (length - part) / max(1, count - 1)), part) for n in range(count)]


@dataclass(frozen=True, slots=True)
class Part:
    """What was found on one part of a frame, with ``found.boxes`` in the frame's pixels.

    ``view`` is the part; of the whole frame all of it, so that nothing on it is cut.
    """

    view: Rectangle
    found: Candidates

    def is_cut(self, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
        """Which boxes end at a side of the part that is no side of the frame: bool (count,)."""
        left, top, width, height = self.view
        slack = EDGE * np.array([width, height])
        low, high = np.array([left, top]), np.array([left + width, top + height])
        boxes = self.found.boxes
        cut_low = (boxes[:, :2] <= low + slack) & (low > 0)
        cut_high = (boxes[:, 2:] >= high - slack) & (high < np.array(size_wh))
        cut: NDArray[np.bool_] = (cut_low | cut_high).any(axis=1)
        return cut


def merge(parts: list[Part], size_wh: tuple[int, int], max_detections: int) -> Candidates:
    """What was found on overlapping ``parts`` of a frame, each object once, best score first.

    Whole boxes go before cut ones, better before worse. A whole box on two parts is dropped where
    it overlaps one that is kept by ``MATCH_IOU``; a cut one where half of it lies on a kept one,
    and two cut ones of which that is true become the box around both: an object that is whole on
    no part. Only boxes of one class and of different parts are compared: within a part the decoder
    has suppressed. Classes and scores are left as they were.
    """
    boxes = np.concatenate([part.found.boxes for part in parts]).astype(np.float64)
    scores = np.concatenate([part.found.scores for part in parts])
    class_ids = np.concatenate([part.found.class_ids for part in parts])
    part_ids = np.repeat(np.arange(len(parts)), [len(part.found.scores) for part in parts])
    cut = np.concatenate([part.is_cut(size_wh) for part in parts])
    kept: list[int] = []
    for n in np.lexsort((-scores, cut)).tolist():
        rivals = [k for k in kept if class_ids[k] == class_ids[n] and part_ids[k] != part_ids[n]]
        if not rivals:
            kept.append(n)
            continue
        if not cut[n]:
            if pairwise_iou(boxes[n : n + 1], boxes[rivals]).max() < MATCH_IOU:
                kept.append(n)
            continue
        shares = covered(boxes[n], boxes[rivals])
        best = int(shares.argmax())
        if shares[best] < PIECE:
            kept.append(n)
        elif cut[rivals[best]]:
            box = boxes[rivals[best]]
            np.minimum(box[:2], boxes[n, :2], out=box[:2])
            np.maximum(box[2:], boxes[n, 2:], out=box[2:])
    order = sorted(kept, key=lambda n: -scores[n])[:max_detections]
    return Candidates(boxes[order].astype(np.float32), scores[order], class_ids[order])


def area_shares(boxes: NDArray[np.float32], size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Which share of the area of a frame each of its ``boxes`` (count, 4) has: (count,)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    shares: NDArray[np.float64] = np.prod(sides, axis=1) / (size_wh[0] * size_wh[1])
    return shares


def covered(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which share of ``box`` (4,) lies on each of ``others`` (n, 4): (n,), 0 without an area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    area = np.prod(box[2:] - box[:2])
    shares: NDArray[np.float64] = np.prod(np.clip(sides, 0, None), axis=1) / (area or 1.0)
    return shares
