"""Recognition of models that decode and suppress their boxes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import cast

import numpy as np

from device.bundle.decoder_rules import DetectionsRule
from device.bundle.heads import DetectionsHead
from device.errors import UsageError
from device.inspection.corner_order import corner_order
from device.inspection.output_roles import ROLES, UNUSED, Output, Role
from device.inspection.understanding import Evidence, Rejected, Understanding

_FARTHEST = 4.0  # what is 0..1 of the input may reach beyond it, but is not in pixels


def detections(case: Evidence) -> Understanding | Rejected:
    """A model that decodes its boxes itself; or why it is none."""
    outputs, told = case.outputs, case.told
    if told is not None and told.by_user:
        named = {r: o for r, o in zip(told.roles, outputs, strict=True) if r is not None}
        if len(named) != len(outputs) - told.roles.count(None) or "classes" not in named:
            return Rejected(
                "--outputs names no detections (boxes, classes, scores, perhaps count)",
                alike="boxes" in named,
            )
        if not {"boxes", "scores"} <= named.keys() or not _rows_agree(named):
            raise UsageError(
                "--outputs: boxes (rows, 4), classes and scores (rows) and a count do not have "
                f"these shapes: {'; '.join(map(str, outputs))}"
            )
        if named["boxes"].held.runs and not _could_be(named):
            raise UsageError(
                f"--outputs {','.join(role or UNUSED for role in told.roles)}: what they hold on "
                "trial pictures is another order: boxes are 0..1, classes whole numbers, scores "
                "0..1 and falling, a count a number of rows. They are "
                + "; ".join(map(str, outputs))
            )
        return _with_rows(named, told.who, case)
    if len(outputs) < 3:
        return Rejected("not detections: those are boxes, classes, scores and perhaps a count")
    fitting = list(_by_shape(outputs))
    possible = [named for named in fitting if _could_be(named)]
    if not possible:
        return Rejected(
            "not detections: in no order do they hold boxes, classes, scores and a count",
            alike=bool(fitting) or (len(outputs) == len(ROLES) and _has_boxes(outputs)),
        )
    if told is not None:
        named = {role: o for role, o in zip(told.roles, outputs, strict=True) if role is not None}
        if named in possible:
            why = f"{told.who}; what they held on trial pictures agrees"
            return _with_rows(named, why, case)
        return Rejected(f"{told.who} and what they hold disagree on which is which", "--outputs")
    if len(possible) > 1:
        return Rejected(
            "they could be detections, but what they hold does not tell which is which", "--outputs"
        )
    why = "what they held on trial pictures, the only order it allows"
    return _with_rows(possible[0], why, case)


def _has_boxes(outputs: Sequence[Output]) -> bool:
    return any(len(o.spec.shape) == 3 and o.spec.shape[-1:] == (4,) for o in outputs)


def _by_shape(outputs: Sequence[Output]) -> Iterator[dict[Role, Output]]:
    """Every way to give the roles that the shapes allow; all of three or four outputs are used."""
    few = len(outputs) <= len(ROLES)
    for boxes in outputs:
        rows = boxes.size // 4
        if boxes.spec.shape[-1:] != (4,) or rows == 0:
            continue
        others = [output for output in outputs if output is not boxes]
        flat = [output for output in others if output.size == rows and _is_flat(output)]
        counts: list[Output | None] = [output for output in others if output.size == 1]
        for classes, scores in permutations(flat, 2):
            for count in [None, *counts]:
                named = {"boxes": boxes, "classes": classes, "scores": scores}
                if count is not None and count not in (classes, scores):
                    named["count"] = count
                if not few or len(named) == len(outputs):
                    yield cast("dict[Role, Output]", named)


def _is_flat(output: Output) -> bool:
    return max(output.spec.shape, default=0) == output.size


def _with_rows(named: Mapping[Role, Output], why: str, case: Evidence) -> Understanding:
    count = named.get("count")
    head = DetectionsHead(
        boxes=named["boxes"].spec,
        classes=named["classes"].spec,
        scores=named["scores"].spec,
        count=count.spec if count is not None else None,
    )
    corners = corner_order(named["boxes"], case)
    return Understanding(
        "detection",
        (head,),
        f"{why}; {corners.why}",
        rule=DetectionsRule(box=corners.order),
        guesses=(corners.guess,) if corners.guess else (),
        family="yolo" if case.notes is not None else "",
    )


def _rows_agree(named: Mapping[Role, Output]) -> bool:
    boxes, count = named["boxes"], named.get("count")
    return (
        boxes.spec.shape[-1:] == (4,)
        and named["classes"].size == named["scores"].size == boxes.size // 4
        and (count is None or count.size == 1)
    )


def _could_be(named: Mapping[Role, Output]) -> bool:
    """Whether shapes and values allow these roles."""
    if not _rows_agree(named) or not all(output.held.runs for output in named.values()):
        return False
    return all(_run_could_be(named, run) for run in range(len(named["boxes"].held.runs)))


def _run_could_be(named: Mapping[Role, Output], run: int) -> bool:
    """The same, of what one picture gave; rows beyond the count are memory nobody wrote."""
    held = {role: output.values(run) for role, output in named.items()}
    rows = len(held["scores"])
    count = held["count"][0] if "count" in held else rows
    if not (0 <= count <= rows and count == np.rint(count)):
        return False
    boxes = held["boxes"][: 4 * int(count)]
    classes, scores = (held[role][: int(count)] for role in ("classes", "scores"))
    return bool(
        (np.abs(boxes) <= _FARTHEST).all()
        and ((classes >= 0) & (classes == np.rint(classes))).all()
        and ((scores >= 0) & (scores <= 1)).all()
        and (np.diff(scores) <= 0).all()
    )
