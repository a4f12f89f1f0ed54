"""Recognition of classifiers: a score per class.

A row of numbers may also be a regression, such as the coordinates of corners. It is taken for
scores where they come from a softmax or add up to 1, where as many classes are named, where the
user says so, or where they are many logits. A vector of length 1 is an embedding.
"""

from __future__ import annotations

import numpy as np

from device.bundle.heads import ClassifierHead
from device.inspection.output_roles import Output
from device.inspection.understanding import Binary, Evidence, Rejected, Understanding, score_kind

MANY = 100  # logits, of which nobody needs to say that they are scores
SUM_SLACK = 0.02  # of 1, that probabilities may add up to besides what quantisation takes


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
            rows = [output for output in outputs if _is_row(output) and output.size > 1]
            reason = "not a classifier: that has one output, a score per class"
            return Rejected(reason, "--task" if len(rows) == 1 else "")
    (output,) = chosen
    if not _is_row(output):
        return Rejected(
            f"not a classifier: {output.spec.shape} is not a score per class", alike=True
        )
    if not output.held.finite:
        return Rejected("not a classifier: its scores are not numbers", alike=True)
    believed = by_user or case.task == "classification"
    if output.size == 1:
        return _binary(output, believed or case.names in (1, 2))
    score, score_why = score_kind([output])
    named = case.names is not None and abs(case.names - output.size) <= 1  # a background row
    if not (believed or named) and _has_length_1(output):
        return Rejected(
            f"not a classifier: {output.size} numbers whose squares add up to 1 are an embedding, "
            "which describes a picture and names nothing",
            "--task",
        )
    logits = output.size >= MANY and output.held.minimum < 0
    many = logits or (output.size >= MANY and output.facts.operator == "LOGISTIC")
    if not (believed or named or many or _are_probabilities(output)):
        low, high = output.held.minimum, output.held.maximum
        return Rejected(
            f"not a classifier: {output.size} numbers from {low:.3g} to {high:.3g} that do not add "
            "up to 1 are no probabilities, and may be coordinates",
            "--task",
        )
    why = "--outputs" if by_user else "one output, a row of scores"
    head = ClassifierHead(scores=output.spec)
    # A logistic function scores each class for itself: all that are there are told.
    multi_label = output.facts.operator == "LOGISTIC"
    return Understanding(
        "classification", (head,), why, output.size, score, score_why, multi_label=multi_label
    )


def _binary(output: Output, believed: bool) -> Understanding | Rejected:
    """One number that tells two classes apart: the probability of the second, or its logit."""
    low, high = output.held.minimum, output.held.maximum
    from_logistic = output.facts.operator == "LOGISTIC"
    if not from_logistic and not believed:
        return Rejected(
            f"not a classifier: one number, from {low:.3g} to {high:.3g}, that no logistic "
            "function makes is no probability",
            "--task",
        )
    is_probability = from_logistic or (low >= 0 and high <= 1)
    score: Binary = "binary" if is_probability else "binary-logit"
    why = "one number, the probability of the second of two classes"
    told = "it comes from LOGISTIC" if from_logistic else f"it reaches from {low:.3g} to {high:.3g}"
    head = ClassifierHead(scores=output.spec)
    return Understanding("classification", (head,), why, 2, score, told)


def _are_probabilities(output: Output) -> bool:
    """Whether they come from a softmax, or add up to 1 on every trial picture."""
    if output.facts.operator == "SOFTMAX":
        return True
    slack = SUM_SLACK + output.size * output.spec.scale / 2
    sums = [float(output.values(run).sum()) for run in range(len(output.held.runs))]
    return (
        bool(sums) and output.held.minimum >= 0 and bool(np.abs(np.array(sums) - 1).max() <= slack)
    )


def _has_length_1(output: Output) -> bool:
    """Whether the vector has that length on every trial picture, and is no single 1."""
    if output.size < 2 or not output.held.runs:
        return False
    vectors = [output.values(run) for run in range(len(output.held.runs))]
    lengths = np.array([np.sqrt(np.square(vector).sum()) for vector in vectors])
    return bool(np.abs(lengths - 1).max() <= SUM_SLACK and output.held.minimum < -SUM_SLACK)


def _is_row(output: Output) -> bool:
    """(1, classes), or the same with more axes of one."""
    shape = output.spec.shape
    return output.size >= 1 and len(shape) > 0 and max(shape) == output.size
