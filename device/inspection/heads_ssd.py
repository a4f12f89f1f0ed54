"""Recognition of the raw heads of an SSD: pairs of box encodings and class scores."""

from __future__ import annotations

import math
from itertools import permutations

from device.bundle.heads import SsdHead
from device.errors import ModelError, UsageError
from device.inspection.output_roles import Output, Role
from device.inspection.understanding import Evidence, Rejected, Understanding, score_kind


def raw_ssd(case: Evidence) -> Understanding | Rejected:
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
            "not raw SSD heads: they do not pair up to boxes and scores of the same places",
            alike=len(outputs) > 1 and all(len(output.spec.shape) > 2 for output in outputs),
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
        return Rejected(
            "not surely raw SSD heads: their sizes do not tell boxes from scores", "--outputs"
        )
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
    score, score_why = score_kind([scores for _, scores, _ in pairs])
    who = told.who if told is not None else "their shapes"
    why = f"pairs of boxes and scores on {len(heads)} feature maps, by {who}"
    return Understanding("detection", tuple(heads), why, classes, score, score_why)
