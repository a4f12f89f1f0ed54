"""Output heads: which output of a bare model is what.

Never by position alone. Who says it, in this order: the user (``--outputs``), the operator that
writes an output, whose own outputs have an order of their own whatever the model makes of it, and
the names in the metadata, in the signature and of the tensors. What the outputs hold after a few
pictures must agree, and decides where nobody says anything: class ids are whole numbers, scores
lie within 0..1 and do not rise, a count is one number and no larger than the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from device.bundle.decoder_rules import Corners
from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.inspection.export_notes import ExportNotes
from device.inspection.heads_anchored import anchors_beside
from device.inspection.heads_blaze import blaze
from device.inspection.heads_classifier import classifier
from device.inspection.heads_decoded import decoded
from device.inspection.heads_detections import detections
from device.inspection.heads_ssd import raw_ssd
from device.inspection.heads_yolo import yolo
from device.inspection.other_kinds import looks_like
from device.inspection.output_roles import ROLES, UNUSED, Output, told_roles
from device.inspection.understanding import Evidence, Rejected, Understanding

WAYS = {
    "--task": "--task classification, if its numbers are scores of classes",
    "--outputs": f"--outputs, for each output in this order {', '.join(ROLES)} or {UNUSED}, with "
    "commas",
}
SHOWN = 4  # outputs in a refusal
NOUNS = {None: "model", "detection": "detector", "classification": "classifier"}


def understand(
    outputs: Sequence[Output],
    hints: Hints,
    anchors: int | None,
    size_wh: tuple[int, int] = (0, 0),
    notes: ExportNotes | None = None,
    names: int | None = None,
    corners: Corners | None = None,
) -> Understanding:
    """What the outputs are.

    ``anchors`` is how many the user gave, if any, ``size_wh`` the input's, ``names`` how many
    classes are named, ``corners`` the order of a box's that the metadata says. Raises
    ``ModelError`` where they cannot be recognised, ``UsageError`` for flags that do not fit them.
    """
    told = told_roles(outputs, hints)
    case = Evidence(
        outputs=outputs,
        told=told,
        anchors=anchors,
        task=hints.task,
        size_wh=size_wh,
        notes=notes,
        corners=corners,
        asked_corners=hints.boxes,
        names=names,
    )
    rejected = []
    for kind in (detections, yolo, blaze, anchors_beside, decoded, raw_ssd, classifier):
        if hints.task is not None and (hints.task == "classification") != (kind is classifier):
            continue
        found = kind(case)
        if isinstance(found, Understanding):
            if hints.boxes and getattr(found.rule, "box", None) != hints.boxes:
                raise UsageError(
                    f"--boxes {hints.boxes}: that is for detectors that decode the corners of "
                    f"their boxes; this is a model of another kind: {found.why}"
                )
            return found
        rejected.append(found)
    more = f" and {len(outputs) - SHOWN} more" if len(outputs) > SHOWN else ""
    shown = "; ".join(map(str, outputs[:SHOWN])) + more
    kind_of_it = looks_like(outputs, size_wh)
    if kind_of_it is not None:
        raise ModelError(f"{kind_of_it}. Its outputs are {shown}")
    nothing = Rejected(f"no {NOUNS[hints.task]} that runs here has outputs of such shapes")
    nearest = next((item for item in rejected if item.alike or item.flag), nothing)
    raise ModelError(
        f"cannot tell what its outputs are for: {nearest.reason}. They are {shown}. "
        f"{_way_out(nearest, hints)}"
    )


def _way_out(rejected: Rejected, hints: Hints) -> str:
    """The next step: no flag that was given already, for it has not settled it."""
    given = {"--task" if hints.task else "", "--outputs" if hints.outputs else ""}
    if rejected.step:
        return rejected.step
    if rejected.flag not in given:
        return f"What can settle it: {WAYS[rejected.flag]}"
    return "No flag can settle that; docs/tflite.md says what runs here"
