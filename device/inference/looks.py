"""Looks at a frame: what the whole picture and the tiles looked at now show of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from device.bundle.manifest import Threshold
from device.inference.boxes import Box, area, iou
from device.inference.candidates import Candidates
from device.inference.cell_view import CellView
from device.inference.input_plane import InputPlane
from device.inference.preprocess import Rectangle
from device.inference.thresholds import least_scores
from device.inference.tile_chooser import SMALL
from device.inference.tiles import Part

SAME_IOU = 0.3  # boxes of one thing, seen at two scales, or in two frames


class SeenBox(NamedTuple):
    """A box that a look showed. For a few boxes at a time arrays would take longer."""

    box: Box  # in source pixels
    score: float
    class_id: int
    least: float  # the threshold of its class


@dataclass(frozen=True, slots=True)
class TileLook:
    """What one tile shows of a frame of ``size_wh`` pixels."""

    view: Rectangle
    found: list[SeenBox]
    cut: list[bool]  # which of them end at a side of the tile
    size_wh: tuple[int, int]

    def holds(self, box: Box, margin: float) -> bool:
        """Whether ``box`` lies in the tile, away from those of its sides that are not the frame's.

        ``margin``: how far, as a share of the side.
        """
        corner, sides = (self.view.left, self.view.top), (self.view.width, self.view.height)
        for first, last, low, length, limit in zip(
            box[:2], box[2:], corner, sides, self.size_wh, strict=True
        ):
            slack, high = margin * length, low + length
            if first < (low + slack if low > 0 else low):
                return False
            if last > (high - slack if high < limit else high):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Looks:
    """What the looks at a frame showed."""

    whole: list[SeenBox]
    sure: list[bool]  # which of ``whole`` reach their threshold, and nothing refutes
    tiles: list[TileLook]
    view: CellView
    plane: InputPlane
    in_motion: bool  # the scene as a whole, since the frame before
    superseded: set[int] = field(default_factory=set)  # numbers of ``whole``: a tile's box is told

    @classmethod
    def of(
        cls,
        whole: Candidates,
        tiles: Sequence[Part],
        thresholds: Threshold,
        view: CellView,
        plane: InputPlane,
        in_motion: bool,
    ) -> Looks:
        """What was found on the whole picture, and on ``tiles`` of it."""
        return cls(
            _seen_boxes(whole, thresholds),
            (whole.scores >= least_scores(thresholds, whole.class_ids)).tolist(),
            [
                TileLook(
                    part.view,
                    _seen_boxes(part.found, thresholds),
                    part.is_cut(plane.size_wh).tolist(),
                    plane.size_wh,
                )
                for part in tiles
            ],
            view,
            plane,
            in_motion,
        )

    def best(self) -> list[SeenBox]:
        """What the whole picture shows, and no tile shows better."""
        return [
            item for n, item in enumerate(self.whole) if self.sure[n] and n not in self.superseded
        ]

    def hints(self) -> list[SeenBox]:
        """What it does not show, but hints at."""
        return [item for item, sure in zip(self.whole, self.sure, strict=True) if not sure]

    def small(self) -> Iterator[SeenBox]:
        """The small things that tiles show whole."""
        for tile in self.tiles:
            for item, cut in zip(tile.found, tile.cut, strict=True):
                if not cut and self.share_of_frame(item.box) < SMALL:
                    yield item

    def share_of_frame(self, box: Box) -> float:
        """Which share of the frame's area a box has."""
        width, height = self.plane.size_wh
        return area(box) / (width * height)

    def supersede(self, box: Box, class_id: int) -> float | None:
        """Let ``box`` stand for the whole picture's box of the same thing.

        Returns the score of that; None where there is none, or another stands for it already.
        """
        best, number = SAME_IOU, None
        for n, other in enumerate(self.whole):
            if not self.sure[n] or n in self.superseded or other.class_id != class_id:
                continue
            overlap = iou(box, other.box)
            if overlap > best and self.share_of_frame(other.box) < 2 * SMALL:
                best, number = overlap, n
        if number is None:
            return None
        self.superseded.add(number)
        return self.whole[number].score


def best_score(box: Box, class_id: int, found: Iterable[SeenBox]) -> float:
    """The best score of a box of this class in the place of ``box``; 0 where there is none."""
    return max(
        (
            item.score
            for item in found
            if item.class_id == class_id and iou(box, item.box) > SAME_IOU
        ),
        default=0.0,
    )


def nearest_box(box: Box, class_id: int, found: Iterable[SeenBox]) -> Box | None:
    """The box of this class that overlaps ``box`` most, if it does enough."""
    same = [item.box for item in found if item.class_id == class_id]
    nearest = max(same, key=lambda other: iou(box, other), default=None)
    return nearest if nearest is not None and iou(box, nearest) > SAME_IOU else None


def _seen_boxes(found: Candidates, thresholds: Threshold) -> list[SeenBox]:
    # Scores are float32, and so is what they are compared with.
    least = np.float32(least_scores(thresholds, found.class_ids))
    columns = (
        found.boxes,
        found.scores,
        found.class_ids,
        np.broadcast_to(least, found.scores.shape),
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [SeenBox(tuple(box), *rest) for box, *rest in rows]
