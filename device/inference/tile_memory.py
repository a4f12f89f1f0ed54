"""The memory of tiles: what they showed of a frame, as long as it is likely to be there still.

A tile shows small things larger than the whole picture does. What it finds is told at once, and
kept while nothing moves there, so that a scene is soon known tile by tile, also where all of it
moves in one piece; what it does not confirm of the whole picture's small boxes is left out as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Threshold
from device.inference.boxes import pairwise_iou
from device.inference.candidates import Candidates
from device.inference.cell_view import CellView, SceneCells
from device.inference.preprocess import Rectangle
from device.inference.thresholds import least_scores, threshold_of
from device.inference.tile_chooser import CHANGED, SMALL
from device.inference.tiles import Part, area_shares, covered

# Of the threshold in force; benchmarks/look_closer.py measures what they come to.
SUPPORTED = 1.0  # of a tile, where the whole picture hints at the same
SUPPORTED_IN_MOTION = 0.9  # less than where all stands still: it is not believed for as long
REFUTED = 0.8  # of a tile: with less than that it does not see what the whole picture saw
ALONE = 0.2  # of what is left between threshold and 1, that a tile's box needs more without a hint
ALONE_IN_MOTION = 0.4  # each look at a scene that moves brings false alarms of its own

REFUTABLE = 0.15  # of the frame's area: up to there a tile that does not see it is believed
SAME_IOU = 0.3  # boxes of one thing, seen at two scales, or in two frames
PIECE = 0.5  # of a tile's box: with as much on a box of the whole picture, it is a part of that
EDGE = 0.01  # of a tile's side: a box that ends so near to it may be cut
MOST_FRAMES = 30  # that what was found is kept without having been looked at again
# While the scene moves, for which of what is remembered half is false alarms soon:
MOST_FRAMES_IN_MOTION = 3
MOST_WITHOUT_HINT = 2  # of what a tile was as sure of as it must be without a hint
TOWARDS_HINT = 0.5  # of the way to the middle of the hint, for what lies between cells is lost


@dataclass(frozen=True, slots=True)
class RememberedBox:
    """A box that is remembered: of which frame, and for how many frames already."""

    box: NDArray[np.float32]  # in that frame
    score: float
    class_id: int
    scene: SceneCells
    age: int = 0

    def at(self, view: CellView) -> NDArray[np.float32]:
        """Where it is on the frame of ``view``, if it moved with the scene."""
        return self.box + view.moved(self.scene)

    def kept(self) -> RememberedBox:
        """The same, a frame later."""
        return replace(self, age=self.age + 1)


@dataclass(frozen=True, slots=True)
class _Looks:
    """What the looks at a frame showed. Boxes are in source pixels."""

    whole: Candidates
    sure: NDArray[np.bool_]  # which of ``whole`` reach their threshold, and nothing refutes
    tiles: Sequence[Part]
    thresholds: Threshold
    view: CellView
    size_wh: tuple[int, int]
    in_motion: bool  # the scene as a whole, since the frame before

    def best(self) -> Candidates:
        """What the whole picture shows."""
        return self.whole.only(self.sure)

    def hints(self) -> Candidates:
        """What it does not show, but hints at."""
        return self.whole.only(~self.sure)

    def outlasts_hints(self, item: RememberedBox) -> bool:
        """Whether it is kept while the scene moves and the whole picture does not hint at it."""
        needed = threshold_of(self.thresholds, item.class_id)
        surer = needed + ALONE_IN_MOTION * (1 - needed)
        return item.age < MOST_WITHOUT_HINT and item.score >= surer

    def least(self, found: Candidates) -> NDArray[np.float32]:
        """The threshold of each box."""
        return np.broadcast_to(least_scores(self.thresholds, found.class_ids), found.scores.shape)


@dataclass
class TileMemory:
    """What tiles found, and refuted, on the last frames of one camera."""

    found: list[RememberedBox] = field(default_factory=list)
    refuted: list[RememberedBox] = field(default_factory=list)
    before: SceneCells | None = None

    def merge(
        self,
        whole: Candidates,
        tiles: Sequence[Part],
        thresholds: Threshold,
        view: CellView,
        size_wh: tuple[int, int],
    ) -> Candidates:
        """What is on a frame, best score first: each thing once.

        ``whole`` has what the whole picture shows from ``HINT`` of the thresholds on, ``tiles``
        what those show that were looked at now. Boxes are in source pixels.
        """
        if any(view.is_another_scene(kept.scene) for kept in [*self.found, *self.refuted][:1]):
            self.found, self.refuted = [], []
        sure = whole.scores >= least_scores(thresholds, whole.class_ids)
        in_motion = self.before is not None and view.is_elsewhere(self.before)
        self.before = view.scene
        looks = _Looks(whole, sure, tiles, thresholds, view, size_wh, in_motion)
        self.refuted = self._refute(looks)
        added = self._confirmed(looks)
        self.found = added + self._remembered(looks, added)
        best = looks.best()
        boxes = np.concatenate([best.boxes, *(item.at(view)[np.newaxis] for item in self.found)])
        scores = np.append(best.scores, [item.score for item in self.found]).astype(np.float32)
        ids = np.append(best.class_ids, [item.class_id for item in self.found]).astype(np.intp)
        return Candidates(boxes, scores, ids).only(np.argsort(-scores, kind="stable"))

    def _refute(self, looks: _Looks) -> list[RememberedBox]:
        """Take out of what is sure what a tile, now or before, does not see."""
        whole, view, size_wh = looks.whole, looks.view, looks.size_wh
        least = REFUTED * looks.least(whole)
        small = area_shares(whole.boxes, size_wh) < REFUTABLE
        refuted = []
        for n in np.flatnonzero(looks.sure & small).tolist():
            box, class_id = whole.boxes[n], int(whole.class_ids[n])
            near = [tile for tile in looks.tiles if _is_inside(box, tile.view, size_wh, 2 * EDGE)]
            if near:
                if max(_best(box, class_id, tile.found) for tile in near) >= least[n]:
                    continue
                refuted.append(RememberedBox(box, float(whole.scores[n]), class_id, view.scene))
            else:
                before = _find(box, class_id, self.refuted, view)
                if before is None or view.changed(before.scene, box.tolist()) > CHANGED:
                    continue
                if before.age >= MOST_FRAMES:
                    continue
                there = box - view.moved(before.scene)
                refuted.append(replace(before, box=there, age=before.age + 1))
            looks.sure[n] = False
        return refuted

    @staticmethod
    def _confirmed(looks: _Looks) -> list[RememberedBox]:
        """What tiles show now that the whole picture does not."""
        best, hints, view = looks.best(), looks.hints(), looks.view
        supported = SUPPORTED_IN_MOTION if looks.in_motion else SUPPORTED
        alone = ALONE_IN_MOTION if looks.in_motion else ALONE
        added: list[RememberedBox] = []
        for tile in looks.tiles:
            found = tile.found
            least = looks.least(found)
            shares = area_shares(found.boxes, looks.size_wh)
            for n in np.flatnonzero((shares < SMALL) & ~tile.is_cut(looks.size_wh)).tolist():
                box, class_id = found.boxes[n], int(found.class_ids[n])
                score, needed = float(found.scores[n]), float(least[n])
                hint = _best(box, class_id, hints)
                if hint > 0:  # two looks at one thing, taken for independent
                    enough = score >= supported * needed
                    score = 1 - (1 - score) * (1 - hint)
                else:
                    enough = score >= needed + alone * (1 - needed)
                if not enough or score < needed or _is_on(box, class_id, best):
                    continue
                if _find(box, class_id, added, view) is None:
                    added.append(RememberedBox(box, score, class_id, view.scene))
        return added

    def _remembered(self, looks: _Looks, added: Sequence[RememberedBox]) -> list[RememberedBox]:
        """What tiles showed before and nobody has looked at since, as far as it is still there."""
        best, hints, view, size_wh = looks.best(), looks.hints(), looks.view, looks.size_wh
        kept: list[RememberedBox] = []
        most = MOST_FRAMES_IN_MOTION if looks.in_motion else MOST_FRAMES
        for item in self.found:
            box, class_id = item.at(view), item.class_id
            if item.age >= most or _find(box, class_id, [*added, *kept], view) is not None:
                continue
            if not _is_in_frame(box, size_wh):
                continue
            if any(_is_inside(box, tile.view, size_wh, EDGE) for tile in looks.tiles):
                continue  # it would have been found again
            place = _nearest(box, class_id, hints)
            if looks.in_motion and place is not None:
                box = _towards(box, hints.boxes[place])
                item = replace(item, box=box, scene=view.scene)
            elif view.changed(item.scene, box.tolist()) > CHANGED:
                if place is None:
                    continue
                # It moved, and the whole picture has a hint of where to.
                box = hints.boxes[place]
                item = replace(item, box=box, scene=view.scene)
            elif looks.in_motion and not looks.outlasts_hints(item):
                continue
            if not _is_on(box, class_id, best):
                kept.append(item.kept())
        return kept


def _is_in_frame(box: NDArray[np.float32], size_wh: tuple[int, int]) -> bool:
    """Whether all of ``box`` is still to be seen."""
    return bool((box >= 0).all() and (box[2:] <= np.array(size_wh)).all())


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


def _towards(box: NDArray[np.float32], hint: NDArray[np.float32]) -> NDArray[np.float32]:
    """``box`` moved towards the middle of ``hint``; its size is a tile's, and stays."""
    way = (hint[:2] + hint[2:] - box[:2] - box[2:]) / 2
    return np.asarray(box + TOWARDS_HINT * np.tile(way, 2), np.float32)


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
    box: NDArray[np.float32], class_id: int, kept: Sequence[RememberedBox], view: CellView
) -> RememberedBox | None:
    """What is remembered of this class in the place of ``box``."""
    of_class = [item for item in kept if item.class_id == class_id]
    if not of_class:
        return None
    boxes = np.stack([item.at(view) for item in of_class]).astype(np.float64)
    overlaps = pairwise_iou(box[np.newaxis].astype(np.float64), boxes)[0]
    place = int(overlaps.argmax())
    return of_class[place] if overlaps[place] > SAME_IOU else None
