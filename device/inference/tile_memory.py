"""The memory of tiles: what they showed of a frame, as long as it is likely to be there still.

A tile shows small things larger than the whole picture does. What it finds is told at once, in
place of the whole picture's box of the same thing, and kept while nothing moves there, so that a
scene is soon known tile by tile, also where all of it moves in one piece. Something that goes is
followed. What a tile does not confirm of the whole picture's small boxes is left out as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Threshold
from device.inference.boxes import pairwise_iou
from device.inference.candidates import Candidates
from device.inference.cell_view import CellView, SceneCells
from device.inference.input_plane import InputPlane, Patch
from device.inference.preprocess import Rectangle
from device.inference.thresholds import least_scores
from device.inference.tile_chooser import CHANGED, SMALL
from device.inference.tiles import Part, area_shares, covered

# Of the threshold in force; benchmarks/look_closer.py measures what they come to.
REFUTED = 0.8  # of a tile: with less than that it does not see what the whole picture saw
ALONE = 0.2  # of what is left between threshold and 1, that a tile's box needs more without a hint
ALONE_IN_MOTION = 0.6  # each look at a scene that moves brings false alarms of its own

REFUTABLE = 0.15  # of the frame's area: up to there a tile that does not see it is believed
SAME_IOU = 0.3  # boxes of one thing, seen at two scales, or in two frames
PIECE = 0.5  # of a tile's box: with as much on a box of the whole picture, it is a part of that
EDGE = 0.01  # of a tile's side: a box that ends so near to it may be cut
MOST_FRAMES = 30  # that what was found is kept without having been looked at again
MOST_FRAMES_FOLLOWED = 12  # two rounds of all tiles: by then a thing that turns looks different


@dataclass(frozen=True, slots=True, eq=False)
class RememberedBox:
    """A box that is remembered: of which frame, and for how many frames already."""

    box: NDArray[np.float32]  # in that frame
    score: float
    class_id: int
    scene: SceneCells
    patch: Patch | None = None  # what it looked like to the network, where it may be followed
    age: int = 0

    def at(self, view: CellView) -> NDArray[np.float32]:
        """Where it is on the frame of ``view``, if it moved with the scene."""
        return self.box + view.moved(self.scene)

    def kept(self, box: NDArray[np.float32], scene: SceneCells) -> RememberedBox:
        """The same, a frame later, at ``box`` of ``scene``."""
        return replace(self, box=box, scene=scene, age=self.age + 1)


@dataclass(frozen=True, slots=True)
class _Looks:
    """What the looks at a frame showed. Boxes are in source pixels."""

    whole: Candidates
    sure: NDArray[np.bool_]  # which of ``whole`` reach their threshold, and nothing refutes
    tiles: Sequence[Part]
    thresholds: Threshold
    view: CellView
    plane: InputPlane
    in_motion: bool  # the scene as a whole, since the frame before

    def best(self) -> Candidates:
        """What the whole picture shows."""
        return self.whole.only(self.sure)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frame, in pixels."""
        return self.plane.size_wh

    def remember(self, box: NDArray[np.float32], score: float, class_id: int) -> RememberedBox:
        """What a tile shows now, to be followed from here on."""
        return RememberedBox(box, score, class_id, self.view.scene, self.plane.cut(box))

    def seen_coarsely(self, box: NDArray[np.float32], class_id: int) -> int | None:
        """The number of the whole picture's box of the small thing that a tile has at ``box``."""
        small = area_shares(self.whole.boxes, self.size_wh) < 2 * SMALL
        (numbers,) = np.nonzero(self.sure & small)
        nearest = _nearest(box, class_id, self.whole.only(numbers))
        return None if nearest is None else int(numbers[nearest])

    def hints(self) -> Candidates:
        """What it does not show, but hints at."""
        return self.whole.only(~self.sure)

    def small(self) -> Iterator[tuple[NDArray[np.float32], float, int, float]]:
        """Box, score, class and threshold of the small things that tiles show whole."""
        for tile in self.tiles:
            found = tile.found
            least = self.least(found)
            shares = area_shares(found.boxes, self.size_wh)
            for n in np.flatnonzero((shares < SMALL) & ~tile.is_cut(self.size_wh)).tolist():
                score, class_id = float(found.scores[n]), int(found.class_ids[n])
                yield found.boxes[n], score, class_id, float(least[n])

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
        plane: InputPlane,
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
        looks = _Looks(whole, sure, tiles, thresholds, view, plane, in_motion)
        self.refuted = self._refute(looks)
        added = self._sharpened(looks)
        added += self._confirmed(looks, added)
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
                refuted.append(before.kept(box - view.moved(before.scene), before.scene))
            looks.sure[n] = False
        return refuted

    @staticmethod
    def _sharpened(looks: _Looks) -> list[RememberedBox]:
        """What tiles show now of what the whole picture shows too, with boxes less exact."""
        added: list[RememberedBox] = []
        for box, score, class_id, needed in looks.small():
            if score < needed:
                continue
            number = looks.seen_coarsely(box, class_id)
            if number is not None and _find(box, class_id, added, looks.view) is None:
                looks.sure[number] = False
                best = max(score, float(looks.whole.scores[number]))
                added.append(looks.remember(box, best, class_id))
        return added

    @staticmethod
    def _confirmed(looks: _Looks, sharpened: Sequence[RememberedBox]) -> list[RememberedBox]:
        """What tiles show now that the whole picture does not."""
        best, hints, view = looks.best(), looks.hints(), looks.view
        alone = ALONE_IN_MOTION if looks.in_motion else ALONE
        added: list[RememberedBox] = []
        for box, score, class_id, needed in looks.small():
            hint = _best(box, class_id, hints)
            if score < (needed if hint > 0 else needed + alone * (1 - needed)):
                continue
            if _is_on(box, class_id, best):
                continue
            score = 1 - (1 - score) * (1 - hint)  # two looks at one thing, taken for independent
            if _find(box, class_id, [*sharpened, *added], view) is None:
                added.append(looks.remember(box, score, class_id))
        return added

    def _remembered(self, looks: _Looks, added: Sequence[RememberedBox]) -> list[RememberedBox]:
        """What tiles showed before and nobody has looked at since, as far as it is still there.

        While it is, the whole picture's box of it is left out.
        """
        hints, view = looks.hints(), looks.view
        coarse = {looks.seen_coarsely(item.at(view), item.class_id) for item in self.found}
        numbers = sorted(number for number in coarse if number is not None)
        looks.sure[numbers] = False
        best = looks.best()
        kept: list[RememberedBox] = []
        for before in self.found:
            item = _followed(before, looks, hints)
            if item is None:
                continue
            box, class_id = item.at(view), item.class_id
            if not _is_on(box, class_id, best) and (
                _find(box, class_id, [*added, *kept], view) is None
            ):
                kept.append(item)
        for number in numbers:
            box, class_id = looks.whole.boxes[number], int(looks.whole.class_ids[number])
            item = _find(box, class_id, kept, view)
            if item is not None:
                surer = max(item.score, float(looks.whole.scores[number]))
                kept[kept.index(item)] = replace(item, score=surer)
            looks.sure[number] = item is None and _find(box, class_id, added, view) is None
        return kept


def _followed(item: RememberedBox, looks: _Looks, hints: Candidates) -> RememberedBox | None:
    """What is remembered, where it is on this frame; None where it is to be forgotten."""
    view, size_wh = looks.view, looks.size_wh
    box = item.at(view)
    if not _is_in_frame(box, size_wh):
        return None
    if any(_is_inside(box, tile.view, size_wh, EDGE) for tile in looks.tiles):
        return None  # it would have been found again
    if item.age >= MOST_FRAMES:
        return None
    if not (looks.in_motion or view.changed(item.scene, box.tolist()) > CHANGED):
        return item.kept(item.box, item.scene)
    there = None
    if item.patch is not None and item.age < MOST_FRAMES_FOLLOWED:
        there = looks.plane.find(item.patch, box)
    if there is None:  # the whole picture may have a hint of where to
        place = _nearest(box, item.class_id, hints)
        there = None if place is None else hints.boxes[place]
    if there is None or not _is_in_frame(there, size_wh):
        return None
    return item.kept(there, view.scene)


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
