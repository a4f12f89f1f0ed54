"""Recognition of SSDs that answer with their anchors: raw boxes, scores, and the anchors beside.

As ST's model zoo exports them. The anchors are the same on every picture, corners x_min, y_min,
x_max, y_max; a box is how far its corners are from those, in the anchor's width and height.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.bundle.decoder_rules import DenseRule
from device.bundle.defaults import SSD_IOU_THRESHOLD
from device.bundle.heads import DenseHead
from device.inspection.output_roles import Output
from device.inspection.understanding import Evidence, Rejected, Understanding, score_kind

BOX = 4
_SLACK = 0.02  # of a sum of 1, and of corners in order: what quantisation takes
_FARTHEST = 2.0  # an anchor in 0..1 of the input reaches beyond it, but not so far


def anchors_beside(case: Evidence) -> Understanding | Rejected:
    """Boxes, scores and anchors, one of each per candidate; or why it is none."""
    outputs = case.outputs
    shapes = [output.spec.shape for output in outputs]
    if len(outputs) != 3 or len({shape[:-1] for shape in shapes if len(shape) == 3}) != 1:
        return Rejected("not an SSD with its anchors: that has three outputs of one length")
    if not all(len(output.held.runs) > 1 and output.held.finite for output in outputs):
        return Rejected("not an SSD with its anchors: they are too many, or no numbers", alike=True)
    fixed = [output for output in outputs if _are_anchors(output)]
    others = [output for output in outputs if output not in fixed]
    if len(fixed) != 1:
        return Rejected(
            "not an SSD with its anchors: none of them is the same on every picture", alike=True
        )
    scored = [output for output in others if _are_scores(output)]
    if len(scored) > 1:  # all that was seen of the boxes may lie in 0..1 as well
        scored = [output for output in scored if output.spec.shape[-1] != BOX or _add_up(output)]
    if len(scored) != 1:
        return Rejected(
            "not an SSD with its anchors: no output holds scores of classes", alike=True
        )
    (scores,) = scored
    (boxes,) = [output for output in others if output is not scores]
    if boxes.spec.shape[-1] != BOX:
        return Rejected("not an SSD with its anchors: no output holds boxes", alike=True)
    classes = scores.spec.shape[-1]
    told = score_kind([scores])
    # Of scores that add up to 1 one must be of nothing; it is the first.
    background = 0 if _add_up(scores) else None
    rule = DenseRule(
        classes=classes,
        box="xyxy",
        units="fraction",
        iou_threshold=SSD_IOU_THRESHOLD,
        score=told.score,
        background=background,
    )
    nothing = ", the first for the background" if background == 0 else ""
    return Understanding(
        task="detection",
        heads=(DenseHead(boxes=boxes.spec, scores=scores.spec, anchors=fixed[0].spec),),
        why=f"an SSD that answers with its anchors, as ST's: {shapes[0][1]:,} candidates of "
        f"{classes} classes{nothing}; output {fixed[0].spec.position} is the same on every picture",
        classes=classes,
        score=told.score,
        score_why=told.why,
        rule=rule,
    )


def _are_anchors(output: Output) -> bool:
    """Corners in order, within the input, the same on every picture."""
    if output.spec.shape[-1] != BOX or len(set(output.held.runs)) != 1:
        return False
    corners = output.values(0).reshape(-1, BOX)
    ordered = (corners[:, 2:] >= corners[:, :2] - _SLACK).all()
    return bool(ordered and np.abs(corners).max() <= _FARTHEST and np.ptp(corners) > 0)


def _are_scores(output: Output) -> bool:
    return output.held.minimum >= 0 and output.held.maximum <= 1 and len(set(output.held.runs)) > 1


def _add_up(scores: Output) -> bool:
    classes = scores.spec.shape[-1]
    if classes < 2:
        return False
    slack = _SLACK + classes * scores.spec.scale / 2
    sums: Sequence[float] = scores.values(0).reshape(-1, classes).sum(axis=1)
    return bool(np.abs(np.asarray(sums) - 1).max() <= slack)
