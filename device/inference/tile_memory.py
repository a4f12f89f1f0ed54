"""The memory of tiles: what they showed of a frame, as long as it is likely to be there still.

A tile shows small things larger than the whole picture does. What it finds is told at once, and
kept while nothing moves there, so that a scene that stands still is soon known tile by tile; what
it does not confirm of the whole picture's small boxes is left out as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Threshold
from device.inference.boxes import pairwise_iou
from device.inference.candidates import Candidates
from device.inference.preprocess import Rectangle
from device.inference.thresholds import least_scores
from device.inference.tile_chooser import CHANGED, SMALL, Cells, CellView
from device.inference.tiles import Part, area_shares, covered

# Of the threshold in force; benchmarks/look_closer.py measures what they come to.
SUPPORTED = 0.8  # of a tile, where the whole picture hints at the same
REFUTED = 0.7  # of a tile: with less than that it does not see what the whole picture saw
ALONE = 0.2  # of what is left between threshold and 1, that a tile's box needs more without a hint

REFUTABLE = 0.15  # of the frame's area: up to there a tile that does not see it is believed
SAME_IOU = 0.3  # boxes of one thing, seen at two scales, or in two frames
PIECE = 0.5  # of a tile's box: with as much on a box of the whole picture, it is a part of that
EDGE = 0.01  # of a tile's side: a box that ends so near to it may be cut
MOST_FRAMES = 30  # that what was found is kept without having been looked at again


@dataclass(frozen=True, slots=True)
class RememberedBox:
    """A box that is remembered: of which frame, and for how many frames already."""

    box: NDArray[np.float32]
    score: float
    class_id: int
    cells: Cells
    age: int = 0


@dataclass
class TileMemory:
    """What tiles found, and refuted, on the last frames of one camera."""

    found: list[RememberedBox] = field(default_factory=list)
    refuted: list[RememberedBox] = field(default_factory=list)

    def merge(
        self,
        whole: Candidates,
        looks: Sequence[Part],
        thresholds: Threshold,
        view: CellView,
        size_wh: tuple[int, int],
    ) -> Candidates:
        """What is on a frame, best score first: each thing once.

        ``whole`` has what the whole picture shows from ``HINT`` of the thresholds on, ``looks``
        what the tiles show that were looked at now. Boxes are in source pixels.
        """
        if any(view.is_another_scene(kept.cells) for kept in [*self.found, *self.refuted][:1]):
            self.found, self.refuted = [], []
        sure = whole.scores >= least_scores(thresholds, whole.class_ids)
        self._refute(whole, sure, looks, thresholds, view, size_wh)
        added = self._confirmed(whole, sure, looks, thresholds, view, size_wh)
        added += self._remembered(whole, sure, looks, added, view, size_wh)
        self.found = added
        best = whole.only(sure)
        boxes = np.concatenate([best.boxes, *(kept.box[np.newaxis] for kept in added)])
        scores = np.append(best.scores, [kept.score for kept in added]).astype(np.float32)
        ids = np.append(best.class_ids, [kept.class_id for kept in added]).astype(np.intp)
        return Candidates(boxes, scores, ids).only(np.argsort(-scores, kind="stable"))

    def _refute(
        self,
        whole: Candidates,
        sure: NDArray[np.bool_],
        looks: Sequence[Part],
        thresholds: Threshold,
        view: CellView,
        size_wh: tuple[int, int],
    ) -> None:
        """Take out of ``sure`` what a tile, now or before, does not see."""
        least = REFUTED * np.broadcast_to(least_scores(thresholds, whole.class_ids), sure.shape)
        refuted = []
        for n in np.flatnonzero(sure & (area_shares(whole.boxes, size_wh) < REFUTABLE)).tolist():
            box, class_id = whole.boxes[n], int(whole.class_ids[n])
            near = [look for look in looks if _is_inside(box, look.view, size_wh, 2 * EDGE)]
            if near:
                if max(_best(box, class_id, look.found) for look in near) >= least[n]:
                    continue
                refuted.append(RememberedBox(box, float(whole.scores[n]), class_id, view.cells))
            else:
                before = _find(box, class_id, self.refuted)
                if before is None or view.changed(before.cells, box.tolist()) > CHANGED:
                    continue
                if before.age >= MOST_FRAMES:
                    continue
                refuted.append(_older(before, box))
            sure[n] = False
        self.refuted = refuted

    def _confirmed(
        self,
        whole: Candidates,
        sure: NDArray[np.bool_],
        looks: Sequence[Part],
        thresholds: Threshold,
        view: CellView,
        size_wh: tuple[int, int],
    ) -> list[RememberedBox]:
        """What tiles show now that the whole picture does not."""
        added: list[RememberedBox] = []
        for look in looks:
            found = look.found
            least = np.broadcast_to(least_scores(thresholds, found.class_ids), found.scores.shape)
            small = (area_shares(found.boxes, size_wh) < SMALL) & ~look.is_cut(size_wh)
            for n in np.flatnonzero(small).tolist():
                box, class_id = found.boxes[n], int(found.class_ids[n])
                score, needed = float(found.scores[n]), float(least[n])
                hint = _best(box, class_id, whole.only(~sure))
                if hint > 0:  # two looks at one thing, taken for independent
                    enough = score >= SUPPORTED * needed
                    score = 1 - (1 - score) * (1 - hint)
                else:
                    enough = score >= needed + ALONE * (1 - needed)
                if not enough or score < needed:
                    continue
                if _is_on(box, class_id, whole.only(sure)):
                    continue
                if _find(box, class_id, added) is None:
                    added.append(RememberedBox(box, score, class_id, view.cells))
        return added

    def _remembered(
        self,
        whole: Candidates,
        sure: NDArray[np.bool_],
        looks: Sequence[Part],
        added: Sequence[RememberedBox],
        view: CellView,
        size_wh: tuple[int, int],
    ) -> list[RememberedBox]:
        """What tiles showed before and nobody has looked at since, as far as it is still there."""
        best = whole.only(sure)
        hints = whole.only(~sure)
        kept: list[RememberedBox] = []
        for item in self.found:
            box, class_id = item.box, item.class_id
            if item.age >= MOST_FRAMES or _find(box, class_id, [*added, *kept]) is not None:
                continue
            if any(_is_inside(box, look.view, size_wh, EDGE) for look in looks):
                continue  # it would have been found again
            if view.changed(item.cells, box.tolist()) > CHANGED:
                place = _nearest(box, class_id, hints)
                if place is None:
                    continue
                # It moved, and the whole picture has a hint of where to.
                box = hints.boxes[place]
                item = RememberedBox(box, item.score, class_id, view.cells, item.age)
            if not _is_on(box, class_id, best):
                kept.append(_older(item, box))
        return kept


def _older(kept: RememberedBox, box: NDArray[np.float32]) -> RememberedBox:
    return RememberedBox(box, kept.score, kept.class_id, kept.cells, kept.age + 1)


def _is_inside(
    box: NDArray[np.float32], tile: Rectangle, size_wh: tuple[int, int], margin: float
) -> bool:
    """Whether ``box`` lies in ``tile``, away from those of its sides that are not the frame's."""
    slack = margin * np.array([tile.width, tile.height])
    low, high = np.array(
        [tile.left, tile.top, tile.left + tile.width, tile.top + tile.height]
    ).reshape(2, 2)
    inside_low = box[:2] >= low + np.where(low > 0, slack, 0)
    inside_high = box[2:] <= high - np.where(high < np.array(size_wh), slack, 0)
    return bool(inside_low.all() and inside_high.all())


def _overlaps(box: NDArray[np.float32], found: Candidates) -> NDArray[np.float64]:
    one = box[np.newaxis].astype(np.float64)
    overlaps: NDArray[np.float64] = pairwise_iou(one, found.boxes.astype(np.float64))[0]
    return overlaps


def _best(box: NDArray[np.float32], class_id: int, found: Candidates) -> float:
    """The best score of a box of this class in the place of ``box``; 0 where there is none."""
    same = (found.class_ids == class_id) & (_overlaps(box, found) > SAME_IOU)
    return float(found.scores[same].max(initial=0.0))


def _nearest(box: NDArray[np.float32], class_id: int, found: Candidates) -> int | None:
    """The number of the box of this class that overlaps ``box`` most, if it does enough."""
    overlaps = np.where(found.class_ids == class_id, _overlaps(box, found), 0.0)
    if not overlaps.size or overlaps.max() <= SAME_IOU:
        return None
    return int(overlaps.argmax())


def _is_on(box: NDArray[np.float32], class_id: int, found: Candidates) -> bool:
    """Whether ``box`` is one of ``found``, or a piece of it."""
    same = found.only(np.flatnonzero(found.class_ids == class_id))
    if not len(same.scores):
        return False
    pieces = covered(box.astype(np.float64), same.boxes.astype(np.float64))
    return bool(_overlaps(box, same).max() > SAME_IOU or pieces.max() > PIECE)


def _find(
    box: NDArray[np.float32], class_id: int, kept: Sequence[RememberedBox]
) -> RememberedBox | None:
    """What is remembered of this class in the place of ``box``."""
    of_class = [item for item in kept if item.class_id == class_id]
    if not of_class:
        return None
    boxes = np.stack([item.box for item in of_class]).astype(np.float64)
    overlaps = pairwise_iou(box[np.newaxis].astype(np.float64), boxes)[0]
    place = int(overlaps.argmax())
    return of_class[place] if overlaps[place] > SAME_IOU else None
