"""Recognition of models that decode and suppress their boxes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np

from device.bundle.manifest import DetectionsHead
from device.errors import UsageError
from device.inspection.output_roles import ROLES, Output, Role
from device.inspection.understanding import Evidence, Rejected, Understanding

_FARTHEST = 4.0  # what is 0..1 of the input may reach beyond it, but is not in pixels


def detections(case: Evidence) -> Understanding | Rejected:
    """A model that decodes its boxes itself; or why it is none."""
    outputs, told = case.outputs, case.told
    if told is not None and told.by_user:
        named = {r: o for r, o in zip(told.roles, outputs, strict=True) if r is not None}
        if len(named) != len(outputs) - told.roles.count(None) or "classes" not in named:
            return Rejected("--outputs names no detections (boxes, classes, scores, perhaps count)")
        if not {"boxes", "scores"} <= named.keys() or not _rows_agree(named):
            raise UsageError(
                "--outputs: boxes (rows, 4), classes and scores (rows) and a count do not have "
                f"these shapes: {'; '.join(map(str, outputs))}"
            )
        return _with_rows(named, told.who)
    if len(outputs) not in (3, 4):
        return Rejected("not detections: those are boxes, classes, scores and perhaps a count")
    roles = ROLES[: len(outputs)]
    possible = [
        named
        for order in permutations(outputs)
        if _could_be(named := dict(zip(roles, order, strict=True)))
    ]
    if not possible:
        return Rejected("not detections: in no order are they boxes, classes, scores and a count")
    if told is not None:
        named = {role: o for role, o in zip(told.roles, outputs, strict=True) if role is not None}
        if named in possible:
            return _with_rows(named, f"{told.who}; what they held on trial pictures agrees")
        return Rejected(f"{told.who} and what they hold disagree on which is which")
    if len(possible) > 1:
        return Rejected("they could be detections, but what they hold does not tell which is which")
    return _with_rows(possible[0], "what they held on trial pictures, the only order it allows")


def _with_rows(named: Mapping[Role, Output], why: str) -> Understanding:
    count = named.get("count")
    head = DetectionsHead(
        boxes=named["boxes"].spec,
        classes=named["classes"].spec,
        scores=named["scores"].spec,
        count=count.spec if count is not None else None,
    )
    return Understanding("detection", (head,), why)


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
