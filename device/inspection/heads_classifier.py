"""Recognition of classifiers: a score per class."""

from __future__ import annotations

from device.bundle.manifest import ClassifierHead
from device.inspection.output_roles import Output
from device.inspection.understanding import Evidence, Rejected, Understanding, score_kind


def classifier(case: Evidence) -> Understanding | Rejected:
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
    score, score_why = score_kind([output])
    why = "--outputs" if by_user else "one output, a row of scores"
    head = ClassifierHead(scores=output.spec)
    return Understanding("classification", (head,), why, output.size, score, score_why)


def _is_row(output: Output) -> bool:
    """(1, classes), or the same with more axes of one."""
    shape = output.spec.shape
    return output.size > 1 and max(shape) == output.size
