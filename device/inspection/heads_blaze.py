"""Recognition of MediaPipe's finders of faces, palms and poses: BlazeFace and its kin.

Two outputs, which the files call regressors and classificators: for each candidate a box and key
points, and one logit. A box is measured in pixels from the middle of the candidate's cell, as
MediaPipe's published options for these models say (anchors of a fixed size of 1, at offset 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from device.bundle.decoder_rules import DenseRule
from device.bundle.defaults import BLAZE_IOU_THRESHOLD
from device.bundle.heads import DenseHead
from device.inspection.output_roles import Output
from device.inspection.understanding import Evidence, Family, Rejected, Understanding
from device.inspection.yolo_layout import cells

Cells = tuple[tuple[int, int], ...]
BOX = 4
# Side of the input and its cells: for each map their side in pixels and the candidates of each.
_MAPS: tuple[tuple[int, Cells], ...] = (
    (128, ((8, 2), (16, 6))),
    (192, ((8, 2), (16, 6))),
    (192, ((4, 1),)),
    (224, ((8, 2), (16, 2), (32, 6))),
    (256, ((16, 2), (32, 6))),
    (256, ((8, 2), (16, 2), (32, 6))),
)
# By the numbers of a candidate, which are those of its box and two for each key point.
_KINDS: dict[int, tuple[str, Family]] = {
    BOX + 2 * 6: ("face", "blaze"),
    BOX + 2 * 7: ("palm", "blaze-palm"),
    BOX + 2 * 4: ("face of a pose", "blaze"),
}


def blaze(case: Evidence) -> Understanding | Rejected:
    """A box and key points in one output, a logit in the other; or why it is none."""
    pair = _pair(case.outputs)
    if pair is None:
        return Rejected("not MediaPipe's: those have a box with key points, and one logit")
    boxes, scores = pair
    found = next(
        (
            maps
            for side, maps in _MAPS
            if case.size_wh == (side, side) and _candidates(maps, side) == scores.size
        ),
        None,
    )
    if found is None:
        return Rejected(
            f"not MediaPipe's: no published model has {scores.size:,} candidates in "
            f"{case.size_wh[0]}x{case.size_wh[1]}",
            alike=True,
        )
    label, family = _KINDS[boxes.spec.shape[-1]]
    rule = DenseRule(
        classes=1,
        box="xywh",
        units="pixels",
        iou_threshold=BLAZE_IOU_THRESHOLD,
        score="logit",
        cells=found,
    )
    what = label.split()[-1]
    points = (boxes.spec.shape[-1] - BOX) // 2
    sides = " and ".join(f"{side} ({shapes} each)" for side, shapes in found)
    return Understanding(
        task="detection",
        heads=(DenseHead(boxes=boxes.spec, scores=scores.spec),),
        why=f"a finder of {what}s as MediaPipe's, by its numbers: {scores.size:,} candidates in "
        f"cells of {sides} pixels, a box, {points} key points that are left out, and a logit each",
        classes=1,
        score="logit",
        score_why="of one class, as MediaPipe's are",
        rule=rule,
        family=family,
        labels=(label,),
    )


def _pair(outputs: Sequence[Output]) -> tuple[Output, Output] | None:
    """The output of boxes and that of scores, whichever comes first."""
    if len(outputs) != 2:
        return None
    for boxes, scores in permutations(outputs):
        shape = boxes.spec.shape
        if (
            len(shape) == 3
            and shape[-1] in _KINDS
            and scores.spec.shape == (*shape[:2], 1)
            and boxes.held.finite
            and scores.held.finite
        ):
            return boxes, scores
    return None


def _candidates(maps: Cells, side: int) -> int:
    return sum(shapes * cells((side, side), (stride,)) for stride, shapes in maps)
