"""Recognition of detectors that decode their boxes but do not suppress them, in two outputs.

As YOLOv4 of TensorFlow, or an SSD of TensorFlow 2 whose raw detections nobody joined: a box and a
score per class for each candidate. Box encodings of an SSD, which need anchors, are told from them
by their values: some have a negative width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import DenseRule, Units
from device.bundle.defaults import SSD_IOU_THRESHOLD
from device.bundle.heads import DenseHead
from device.inspection.corner_order import corner_order
from device.inspection.output_roles import Output
from device.inspection.understanding import Evidence, Rejected, Understanding, score_kind

BOX = 4
LEAST_CANDIDATES = 50  # of few, box encodings may all be positive by chance
_MOST = 0.9  # of the boxes have a size; others may lie at a border, cut to nothing
_SLACK = 0.02
MOST_OF_A_FRACTION = 4.0  # a box in 0..1 of the input reaches beyond it, but not so far


def decoded(case: Evidence) -> Understanding | Rejected:
    """A box in one output and scores in the other; or why it is none."""
    if case.anchors is not None:
        return Rejected("not decoded boxes: those need no --anchors")
    pair = _pair(case.outputs)
    if pair is None:
        return Rejected("not decoded boxes: those are (candidates, 4) beside scores of each")
    boxes, scores = pair
    values = np.concatenate([boxes.values(run).reshape(-1, BOX) for run in _runs(boxes)])
    form = _form(values)
    if form is None:
        return Rejected("not decoded boxes: some have a negative width or height", alike=True)
    classes = scores.spec.shape[-1]
    told = score_kind([scores])
    units: Units = "pixels" if np.abs(values).max() > MOST_OF_A_FRACTION else "fraction"
    guesses: tuple[str, ...] = ()
    why = f"decoded boxes and scores of {classes} classes for each of {scores.spec.shape[1]:,}"
    box: Literal["xywh", "xyxy", "yxyx"] = "xywh"
    if form == "corners":
        corners = corner_order(boxes, case)
        box, guesses = corners.order, (corners.guess,) if corners.guess else ()
        why += f"; {corners.why}"
    else:
        why += "; centre and size"
    rule = DenseRule(
        classes=classes,
        box=box,
        units=units,
        iou_threshold=SSD_IOU_THRESHOLD,
        score=told.score,
        background=0 if _add_up(scores) else None,
    )
    return Understanding(
        task="detection",
        heads=(DenseHead(boxes=boxes.spec, scores=scores.spec),),
        why=f"{why}, in {'pixels' if units == 'pixels' else '0..1'}",
        classes=classes,
        score=told.score,
        score_why=told.why,
        rule=rule,
        guesses=guesses,
    )


def _pair(outputs: Sequence[Output]) -> tuple[Output, Output] | None:
    """The output of boxes and that of scores, whichever comes first."""
    if len(outputs) != 2:
        return None
    for boxes, scores in permutations(outputs):
        shape, wide = boxes.spec.shape, scores.spec.shape
        if (
            len(shape) == len(wide) == 3
            and shape[:2] == wide[:2]
            and shape[2] == BOX
            and shape[1] >= LEAST_CANDIDATES
            and boxes.held.finite
            and scores.held.finite
            and len(_runs(boxes)) > 0
            and (wide[2] != BOX or (_add_up(scores) and not _add_up(boxes)))
        ):
            return boxes, scores
    return None


def _runs(output: Output) -> range:
    return range(len(output.held.runs))


def _form(values: NDArray[np.float32]) -> Literal["corners", "centres"] | None:
    """What four values a box has; None for encodings."""
    sizes = values[:, 2:] - values[:, :2]
    if (sizes >= 0).all() and (sizes > 0).all(axis=1).mean() >= _MOST:
        return "corners"
    if (values[:, 2:] >= 0).all() and (values[:, 2:] > 0).all(axis=1).mean() >= _MOST:
        return "centres"
    return None


def _add_up(scores: Output) -> bool:
    """Whether the scores of a candidate add up to 1: then one of its classes is of nothing."""
    classes = scores.spec.shape[-1]
    if classes < 2 or not scores.held.runs:
        return False
    slack = _SLACK + classes * scores.spec.scale / 2
    sums = scores.values(0).reshape(-1, classes).sum(axis=1)
    return bool(np.abs(sums - 1).max() <= slack)
