"""Recognition of YOLO models, and of others whose boxes are decoded but not suppressed.

Told by the numbers of the tensor (:mod:`device.inspection.yolo_layout`), by what the exporter wrote
into the file, and by what it held on the trial pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.bundle.decoder_rules import DenseRule, RowsRule, Units
from device.bundle.defaults import YOLO_IOU_THRESHOLD
from device.bundle.heads import DenseHead, RowsHead
from device.errors import ModelError
from device.inspection.output_roles import Output
from device.inspection.understanding import (
    Evidence,
    Rejected,
    Score,
    Understanding,
)
from device.inspection.yolo_layout import (
    BOX,
    ROW,
    YoloLayout,
    is_rows,
    layout_by_values,
    layout_of,
    two_axes,
)

MASKS = 32  # coefficients of a mask, of a YOLO that segments
SLACK = 0.05  # what quantisation adds to 0..1
MOST_OF_A_FRACTION = 4.0  # a box in 0..1 of the input reaches beyond it, but not so far
MOST_OF_A_LOGIT = 60.0  # beyond it a score is no logit: its probability is 1 in any case
OTHER_TASKS = {
    "pose": "a YOLO that finds poses: its keypoints are not read here",
    "obb": "a YOLO whose boxes are turned: those are not drawn here",
}


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the numbers of a candidate are."""

    classes: int
    objectness: bool
    others: int = 0  # behind the scores, not looked at


def yolo(case: Evidence) -> Understanding | Rejected:
    """A YOLO's one output; or why it is none."""
    notes = case.notes
    if notes is not None and notes.task in OTHER_TASKS:
        raise ModelError(f"it is {OTHER_TASKS[notes.task]}")
    if notes is not None and notes.task == "classify":
        return Rejected("not a detector: its exporter says that it classifies")
    chosen, masks = _boxes_of(case.outputs)
    if chosen is None:
        return Rejected("not a YOLO: that has one output of candidates")
    is_flat = two_axes(chosen.spec.shape) is not None
    if not chosen.held.finite:
        return Rejected("not a YOLO: its output is no numbers", alike=is_flat)
    layout = layout_of(chosen.spec.shape, case.size_wh)
    suppresses = notes is not None and notes.suppresses
    if is_rows(chosen.spec.shape) and (suppresses or layout is None):
        return _rows(chosen, case)
    if layout is None and case.names is not None:
        extra = masks or 0
        fitting = [BOX + objectness + case.names + extra for objectness in (0, 1)]
        layout = layout_by_values(chosen.spec.shape, fitting)
    if layout is None:
        return Rejected(
            f"not a YOLO: {chosen.spec.shape} has no axis as long as an input of "
            f"{case.size_wh[0]}x{case.size_wh[1]} has cells of 8, 16 and 32 pixels",
            alike=is_flat,
        )
    columns = _columns(layout, chosen, case.names, masks)
    if isinstance(columns, Rejected):
        return columns
    return _dense(chosen, layout, columns, case)


def _boxes_of(outputs: Sequence[Output]) -> tuple[Output | None, int | None]:
    """The output of candidates, and how many coefficients of masks each has at its end."""
    if len(outputs) == 1:
        return outputs[0], None
    flat = [output for output in outputs if two_axes(output.spec.shape) is not None]
    images = [output for output in outputs if len(output.spec.shape) == 4 and output not in flat]
    if len(outputs) == 2 and len(flat) == 1 and len(images) == 1:
        sides = images[0].spec.shape[1:]
        if MASKS in (sides[0], sides[-1]):
            return flat[0], MASKS
    return None, None


def _columns(
    layout: YoloLayout, output: Output, names: int | None, masks: int | None
) -> _Columns | Rejected:
    """What the numbers of a candidate are: by the names where there are some."""
    others = masks or 0
    scored = layout.values - BOX - others
    by_shapes = layout.shapes is not None and layout.shapes > 1
    if names is not None:
        for objectness in (by_shapes, not by_shapes):
            if scored - objectness == names:
                return _Columns(names, objectness, others)
    # YOLOv6 has an objectness that is always 1.
    always = not by_shapes and output.held.ranges[BOX][0] > 1 - SLACK
    objectness = by_shapes or always
    if scored - objectness < 1:
        return Rejected(f"not a YOLO: {layout.values} numbers leave none for a class", alike=True)
    return _Columns(scored - objectness, objectness, others)


def _dense(
    output: Output, layout: YoloLayout, columns: _Columns, case: Evidence
) -> Understanding | Rejected:
    ranges = output.held.ranges
    units = _units(ranges[:BOX], case.size_wh)
    if min(low for low, _ in ranges[2:BOX]) < -SLACK * (1 if units == "fraction" else 32):
        return Rejected(
            "not a YOLO that can run: widths and heights below 0 are boxes that nobody decoded, as "
            "NanoDet's are and YOLOX's without decode_in_inference",
            alike=True,
            step="Export it with its last layer",
        )
    end = BOX + columns.objectness + columns.classes
    low = min(least for least, _ in ranges[BOX:end])
    high = max(most for _, most in ranges[BOX:end])
    if max(-low, high) > MOST_OF_A_LOGIT:
        return Rejected(
            f"not a YOLO: its scores would reach from {low:.3g} to {high:.3g}", alike=True
        )
    score: Score = "probability" if low >= -SLACK and high <= 1 + SLACK else "logit"
    rule = DenseRule(
        classes=columns.classes,
        box="xywh",
        units=units,
        iou_threshold=YOLO_IOU_THRESHOLD,
        candidates=layout.along,
        objectness=columns.objectness,
        score=score,
    )
    return Understanding(
        task="detection",
        heads=(DenseHead(boxes=output.spec, scores=output.spec),),
        why=_why(layout, columns, units, case),
        classes=columns.classes,
        score=score,
        score_why=f"they reach from {max(0.0, low):.3g} to {high:.3g}"
        if score == "logit"
        else "all that were seen lie within 0..1",
        rule=rule,
        family="yolo",
    )


def _why(layout: YoloLayout, columns: _Columns, units: Units, case: Evidence) -> str:
    each = f"4 of a box, {'an objectness, ' if columns.objectness else ''}{columns.classes} classes"
    if columns.others:
        each += f", {columns.others} of a mask that is left out"
    written = " and its exporter's notes" if case.notes is not None else ""
    if layout.shapes is None:
        told = f"a YOLO by its {case.names} names{written}: {layout.candidates:,} candidates"
    else:
        cells = ", ".join(map(str, layout.strides[:-1])) + f" and {layout.strides[-1]}"
        several = f"{layout.shapes} for each cell" if layout.shapes > 1 else "one for each cell"
        count = f"{layout.candidates:,} candidates"
        told = f"a YOLO by its numbers{written}: {count}, {several} of {cells} pixels"
    unit = "0..1" if units == "fraction" else "pixels"
    return f"{told}; {layout.values} numbers each: {each}; boxes in {unit}"


def _units(ranges: Sequence[tuple[float, float]], size_wh: tuple[int, int]) -> Units:
    most = max(high for _, high in ranges)
    return "pixels" if most > min(MOST_OF_A_FRACTION, min(size_wh) / 2) else "fraction"


def _rows(output: Output, case: Evidence) -> Understanding | Rejected:
    """Rows of x_min, y_min, x_max, y_max, score and class; those that mean nothing are zero."""
    runs = [output.values(run).reshape(-1, ROW) for run in range(len(output.held.runs))]
    rows = np.concatenate(runs) if runs else np.zeros((0, ROW), np.float32)
    scores, numbers = rows[:, 4], rows[:, 5]
    step = 0.5 if output.spec.scale else 1e-3  # class ids lose by being quantised
    if ((scores < -SLACK) | (scores > 1 + SLACK)).any() or (
        (numbers < -step) | (np.abs(numbers - np.rint(numbers)) > step)
    ).any():
        return Rejected(
            "not a YOLO that suppresses its boxes itself: its rows of six are no corners, score "
            "and class",
            alike=True,
        )
    if case.names is not None and rows.size and numbers.max() > case.names - 0.5:
        return Rejected(
            f"not a YOLO that suppresses its boxes itself: class {numbers.max():.0f} is beyond its "
            f"{case.names} names",
            alike=True,
        )
    largest = float(np.abs(rows[:, :BOX]).max()) if rows.size else 0.0
    units: Units = "either"
    if largest > 0:
        units = "pixels" if largest > MOST_OF_A_FRACTION else "fraction"
    written = " and its exporter's notes" if case.notes is not None else ""
    unit = {"either": "units told by their size", "pixels": "pixels", "fraction": "0..1"}[units]
    return Understanding(
        task="detection",
        heads=(RowsHead(rows=output.spec),),
        why=f"a YOLO that suppresses its boxes itself: rows of corners, score and class{written}; "
        f"boxes in {unit}",
        classes=case.names,
        rule=RowsRule(units=units),
        family="yolo",
    )
