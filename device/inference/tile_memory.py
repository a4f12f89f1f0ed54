"""The memory of tiles: what they showed of a frame, as long as it is likely to be there still.

A tile shows small things larger than the whole picture does. What it finds is told at once, in
place of the whole picture's box of the same thing, and kept while nothing moves there, so that a
scene is soon known tile by tile, also where all of it moves in one piece. Something that goes is
followed. What a tile does not confirm of the whole picture's small boxes is left out as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from device.bundle.manifest import Threshold
from device.inference.boxes import Box, iou, share_on
from device.inference.candidates import Candidates
from device.inference.cell_view import CellView, SceneCells
from device.inference.input_plane import InputPlane, Patch
from device.inference.looks import SAME_IOU, Looks, SeenBox, best_score, nearest_box
from device.inference.tile_chooser import CHANGED
from device.inference.tiles import Part

# Of the threshold in force; benchmarks/look_closer.py measures what they come to.
REFUTED = 0.8  # of a tile: with less than that it does not see what the whole picture saw
ALONE = 0.2  # of what is left between threshold and 1, that a tile's box needs more without a hint
ALONE_IN_MOTION = 0.6  # each look at a scene that moves brings false alarms of its own

REFUTABLE = 0.15  # of the frame's area: up to there a tile that does not see it is believed
PIECE = 0.5  # of a tile's box: with as much on a box of the whole picture, it is a part of that
EDGE = 0.01  # of a tile's side: a box that ends so near to it may be cut
MOST_FRAMES = 30  # that what was found is kept without having been looked at again
MOST_FRAMES_FOLLOWED = 12  # two rounds of all tiles: by then a thing that turns looks different


class _Place(NamedTuple):
    """Where on this frame something of a class is."""

    box: Box
    class_id: int


@dataclass(frozen=True, slots=True, eq=False)
class RememberedBox:
    """A box that is remembered: of which frame, and for how many frames already."""

    box: Box  # in that frame
    score: float
    class_id: int
    scene: SceneCells
    coarse_score: float = 0.0  # what the whole picture says of it on this frame
    patch: Patch | None = None  # what it looked like to the network, where it may be followed
    age: int = 0

    def at(self, view: CellView) -> Box:
        """Where it is on the frame of ``view``, if it moved with the scene."""
        across, down = view.moved(self.scene)
        return _shifted(self.box, across, down)

    def kept(self, box: Box, scene: SceneCells) -> RememberedBox:
        """The same, a frame later, at ``box`` of ``scene``."""
        return replace(self, box=box, scene=scene, coarse_score=0.0, age=self.age + 1)


@dataclass
class TileMemory:
    """What tiles found, and refuted, on the last frames of one camera."""

    found: list[RememberedBox] = field(default_factory=list)
    refuted: list[RememberedBox] = field(default_factory=list)
    before: SceneCells | None = None
    size_wh: tuple[int, int] | None = None

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
        remembered = [*self.found, *self.refuted]
        if plane.size_wh != self.size_wh or any(map(view.is_another_scene, _scenes(remembered))):
            self.found, self.refuted = [], []
        self.size_wh = plane.size_wh
        in_motion = self.before is not None and view.is_elsewhere(self.before)
        self.before = view.scene
        looks = Looks.of(whole, tiles, thresholds, view, plane, in_motion)
        self.refuted = self._refute(looks)
        added = self._sharpened(looks)
        added += self._confirmed(looks, added)
        self.found = added + self._remembered(looks, added)
        best = [(item.box, item.score, item.class_id) for item in looks.best()]
        best += [
            (item.at(view), max(item.score, item.coarse_score), item.class_id)
            for item in self.found
        ]
        best.sort(key=lambda item: -item[1])
        boxes, scores, ids = zip(*best, strict=True) if best else ((), (), ())
        return Candidates(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(scores, np.float32),
            np.array(ids, np.intp),
        )

    def _refute(self, looks: Looks) -> list[RememberedBox]:
        """Take out of what is sure what a tile, now or before, does not see."""
        view = looks.view
        refuted = []
        for n, (box, score, class_id, least) in enumerate(looks.whole):
            if not looks.sure[n] or looks.share_of_frame(box) >= REFUTABLE:
                continue
            near = [tile for tile in looks.tiles if tile.holds(box, 2 * EDGE)]
            if near:
                seen = max(best_score(box, class_id, tile.found) for tile in near)
                if seen >= REFUTED * least:
                    continue
                refuted.append(RememberedBox(box, score, class_id, view.scene))
            else:
                before = _find(box, class_id, self.refuted, view)
                if before is None or view.changed(before.scene, box) > CHANGED:
                    continue
                if before.age >= MOST_FRAMES:
                    continue
                across, down = view.moved(before.scene)
                refuted.append(before.kept(_shifted(box, -across, -down), before.scene))
            looks.sure[n] = False
        return refuted

    @staticmethod
    def _sharpened(looks: Looks) -> list[RememberedBox]:
        """What tiles show now of what the whole picture shows too: theirs are the exacter boxes."""
        added: list[RememberedBox] = []
        for item in looks.small():
            if item.score < item.least or _is_on(item, added):
                continue
            coarse_score = looks.supersede(item.box, item.class_id)
            if coarse_score is not None:
                added.append(_remember(item, item.score, looks, coarse_score))
        return added

    @staticmethod
    def _confirmed(looks: Looks, sharpened: Sequence[RememberedBox]) -> list[RememberedBox]:
        """What tiles show now that the whole picture does not."""
        best, hints = looks.best(), looks.hints()
        alone = ALONE_IN_MOTION if looks.in_motion else ALONE
        added: list[RememberedBox] = []
        for item in looks.small():
            box, score, class_id, least = item
            hint = best_score(box, class_id, hints)
            if score < (least if hint > 0 else least + alone * (1 - least)):
                continue
            if not _is_on(item, [*best, *sharpened, *added]):
                # Two looks at one thing, taken for independent.
                added.append(_remember(item, 1 - (1 - score) * (1 - hint), looks))
        return added

    def _remembered(self, looks: Looks, added: Sequence[RememberedBox]) -> list[RememberedBox]:
        """What tiles showed before and nobody has looked at since, as far as it is still there.

        While it is, the whole picture's box of it is left out.
        """
        hints = looks.hints()
        told = [_Place(item.box, item.class_id) for item in added]
        kept: list[RememberedBox] = []
        for before in self.found:
            item = _followed(before, looks, hints)
            if item is None or _is_on(place := _Place(item.at(looks.view), item.class_id), told):
                continue
            coarse_score = looks.supersede(place.box, place.class_id)
            if coarse_score is None and _is_on(place, looks.best()):
                continue
            kept.append(replace(item, coarse_score=coarse_score or 0.0))
            told.append(place)
        return kept


def _remember(
    item: SeenBox, score: float, looks: Looks, coarse_score: float = 0.0
) -> RememberedBox:
    """What a tile shows now, to be followed from here on."""
    patch = looks.plane.cut(item.box)
    scene = looks.view.scene
    return RememberedBox(item.box, score, item.class_id, scene, coarse_score, patch)


def _followed(item: RememberedBox, looks: Looks, hints: Iterable[SeenBox]) -> RememberedBox | None:
    """What is remembered, where it is on this frame; None where it is to be forgotten."""
    view, size_wh = looks.view, looks.plane.size_wh
    box = item.at(view)
    if item.age >= MOST_FRAMES or not _is_in_frame(box, size_wh):
        return None
    if any(tile.holds(box, EDGE) for tile in looks.tiles):
        return None  # it would have been found again
    if not (looks.in_motion or view.changed(item.scene, box) > CHANGED):
        return item.kept(item.box, item.scene)
    there = None
    if item.patch is not None and item.age < MOST_FRAMES_FOLLOWED:
        there = looks.plane.find(item.patch, box)
    if there is None:  # the whole picture may have a hint of where to
        there = nearest_box(box, item.class_id, hints)
    if there is None or not _is_in_frame(there, size_wh):
        return None
    return item.kept(there, view.scene)


def _scenes(remembered: Sequence[RememberedBox]) -> list[SceneCells]:
    """The scene of one of them: another scene for one is one for all."""
    return [item.scene for item in remembered[:1]]


def _shifted(box: Box, across: float, down: float) -> Box:
    x_min, y_min, x_max, y_max = box
    return x_min + across, y_min + down, x_max + across, y_max + down


def _is_in_frame(box: Box, size_wh: tuple[int, int]) -> bool:
    """Whether all of ``box`` is still to be seen, but for what may be an error of its place."""
    return all(
        first >= -EDGE * limit and last <= (1 + EDGE) * limit
        for first, last, limit in zip(box[:2], box[2:], size_wh, strict=True)
    )


def _is_on(item: SeenBox | _Place, others: Iterable[SeenBox | RememberedBox | _Place]) -> bool:
    """Whether the thing is one of ``others``, which are of the same frame, or a piece of it."""
    return any(
        other.class_id == item.class_id
        and (iou(item.box, other.box) > SAME_IOU or share_on(item.box, other.box) > PIECE)
        for other in others
    )


def _find(
    box: Box, class_id: int, kept: Iterable[RememberedBox], view: CellView
) -> RememberedBox | None:
    """What is remembered of this class in the place of ``box``."""
    best, found = SAME_IOU, None
    for item in kept:
        if item.class_id == class_id:
            overlap = iou(box, item.at(view))
            if overlap > best:
                best, found = overlap, item
    return found
