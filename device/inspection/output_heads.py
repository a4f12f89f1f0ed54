"""Which output of a bare model is what.

Never by position alone. Who says it, in this order: the user (``--outputs``), the operator that
writes an output, whose own outputs have an order of their own whatever the model makes of it, and
the names in the metadata, in the signature and of the tensors. What the outputs hold after a few
pictures must agree, and decides where nobody says anything: class ids are whole numbers, scores
lie within 0..1 and do not rise, a count is one number and no larger than the rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np

from device.bundle.hints import Hints
from device.bundle.manifest import ClassifierHead, DetectionsHead, Head, SsdHead, Task
from device.errors import ModelError, UsageError
from device.inspection.output_roles import ROLES, UNUSED, Output, Role, Told, told_roles

Score = Literal["probability", "logit"]

_FARTHEST = 4.0  # what is 0..1 of the input may reach beyond it, but is not in pixels
_PROBABLE = frozenset({"SOFTMAX", "LOGISTIC"})


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a model's outputs are for, and how that was told."""

    task: Task
    heads: tuple[Head, ...]
    why: str
    classes: int | None = None  # how many there are, where it can be told
    score: Score = "probability"
    score_why: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why the outputs are not those of one kind of model."""

    reason: str


def understand(outputs: Sequence[Output], hints: Hints, anchors: int | None) -> Understanding:
    """What the outputs are.

    ``anchors`` is how many the user gave, if any. Raises ``ModelError`` where they cannot be
    recognised, ``UsageError`` for flags that do not fit them.
    """
    case = _Case(outputs, told_roles(outputs, hints), anchors, hints.task)
    reasons = []
    for kind in (_detections, _ssd, _classifier):
        if hints.task is not None and (hints.task == "classification") != (kind is _classifier):
            continue
        found = kind(case)
        if isinstance(found, Understanding):
            return found
        reasons.append(found.reason)
    shown = "; ".join(map(str, outputs[:8])) + ("; ..." if len(outputs) > 8 else "")
    raise ModelError(
        f"cannot tell what its outputs are for: {'; '.join(reasons)}. They are {shown}. If it is a "
        "detector or a classifier all the same, say so with --task and --outputs (for each output "
        f"in this order {', '.join(ROLES)} or {UNUSED}, with commas), and its pixels with --mean "
        "and --std"
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """All that is known when a kind of model is considered."""

    outputs: Sequence[Output]
    told: Told | None
    anchors: int | None
    task: Task | None


def _detections(case: _Case) -> Understanding | Rejected:
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


def _ssd(case: _Case) -> Understanding | Rejected:
    """The raw heads of an SSD, pairs of box encodings and class scores; or why it is none."""
    outputs, told, anchors = case.outputs, case.told, case.anchors
    roles = told.roles if told is not None else (None,) * len(outputs)
    used = [
        (output, role)
        for output, role in zip(outputs, roles, strict=True)
        if not (told is not None and told.by_user and role is None)
    ]
    maps: dict[int, list[tuple[Output, Role | None]]] = {}
    for output, role in used:
        maps.setdefault(math.prod(output.spec.shape[:-1]), []).append((output, role))
    if max(maps, default=0) <= 1 or any(len(pair) != 2 for pair in maps.values()):
        return Rejected(
            "not raw SSD heads: they do not pair up to boxes and scores of the same places"
        )
    # Per map what it could be: number of classes -> boxes, scores and anchors.
    readings: list[dict[int, list[tuple[Output, Output, int]]]] = []
    for cells in sorted(maps, reverse=True):  # the finest map first
        reading: dict[int, list[tuple[Output, Output, int]]] = {}
        for (boxes, box_role), (scores, score_role) in permutations(maps[cells]):
            deep, wide = boxes.spec.shape[-1], scores.spec.shape[-1]
            fits = box_role in (None, "boxes") and score_role in (None, "scores")
            if fits and deep > 0 and deep % 4 == 0 and wide % (deep // 4) == 0:
                pair = boxes, scores, cells * (deep // 4)
                reading.setdefault(wide // (deep // 4), []).append(pair)
        readings.append(reading)
    common = set(readings[0]).intersection(*readings[1:])
    if len(common) != 1 or any(len(reading[min(common)]) != 1 for reading in readings):
        return Rejected("not surely raw SSD heads: their sizes do not tell boxes from scores")
    (classes,) = common
    pairs = [reading[classes][0] for reading in readings]
    heads: list[SsdHead] = []
    first = 0
    for boxes, scores, count in pairs:
        heads.append(
            SsdHead(boxes=boxes.spec, scores=scores.spec, first_anchor=first, anchors=count)
        )
        first += count
    if anchors is None:
        raise ModelError(
            f"these are raw SSD heads of {classes} classes, boxes relative to {first:,} anchors "
            "that the file does not hold: give them with --anchors FILE.npy (float32, centre_y, "
            "centre_x, height, width)"
        )
    if anchors != first:
        raise UsageError(f"--anchors holds {anchors:,} anchors, these heads need {first:,}")
    score, score_why = _score_kind([scores for _, scores, _ in pairs])
    who = told.who if told is not None else "their shapes"
    why = f"pairs of boxes and scores on {len(heads)} feature maps, by {who}"
    return Understanding("detection", tuple(heads), why, classes, score, score_why)


def _classifier(case: _Case) -> Understanding | Rejected:
    """A score per class; or why it is none."""
    outputs, told = case.outputs, case.told
    by_user = told is not None and told.by_user
    if told is not None and by_user:
        chosen = [o for o, role in zip(outputs, told.roles, strict=True) if role == "scores"]
        if len(chosen) != 1 or set(told.roles) - {"scores", None}:
            return Rejected("not a classifier: --outputs names more than its scores")
    else:
        chosen = [output for output in outputs if case.task is None or _is_row(output)]
        if len(chosen) != 1:
            return Rejected("not a classifier: that has one output, a score per class")
    (output,) = chosen
    if not _is_row(output):
        return Rejected(f"not a classifier: {output.spec.shape} is not a score per class")
    if not output.held.finite:
        return Rejected("not a classifier: its scores are not numbers")
    score, score_why = _score_kind([output])
    why = "--outputs" if by_user else "one output, a row of scores"
    head = ClassifierHead(scores=output.spec)
    return Understanding("classification", (head,), why, output.size, score, score_why)


def _is_row(output: Output) -> bool:
    """(1, classes), or the same with more axes of one."""
    shape = output.spec.shape
    return output.size > 1 and max(shape) == output.size


class _ScoreKind(NamedTuple):
    score: Score
    why: str


def _score_kind(outputs: Sequence[Output]) -> _ScoreKind:
    operators = {output.facts.operator for output in outputs}
    if operators <= _PROBABLE:
        return _ScoreKind("probability", f"they come from {' and '.join(sorted(operators))}")
    low = min(output.held.minimum for output in outputs)
    high = max(output.held.maximum for output in outputs)
    if low >= 0 and high <= 1:
        return _ScoreKind("probability", "all that were seen lie within 0..1")
    return _ScoreKind("logit", f"they reach from {low:.3g} to {high:.3g}")
