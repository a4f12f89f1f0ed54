"""Precision and accuracy of a bundle's variants on labelled images, by the device's engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convert.errors import EvaluationError
from convert.evaluation.classification import ClassificationValidator
from convert.evaluation.coco_map import Precision
from convert.evaluation.predict import Panel, Predictions, Unreadable, predict
from convert.evaluation.validation import SCORE_THRESHOLD, DetectionValidator
from convert.reference import REFERENCE_INTERPRETER
from device.inference.candidates import Candidates


def variant_precision(
    bundle: Path, judge: DetectionValidator, variants: Sequence[str]
) -> dict[str, Precision]:
    """COCO's mAP of each of ``variants`` on the images of ``judge``.

    Raises :class:`EvaluationError` where one of them can no longer be read.
    """
    panel = Panel(bundle, tuple(variants), REFERENCE_INTERPRETER, SCORE_THRESHOLD)
    found: dict[str, list[Candidates]] = {name: [] for name in variants}
    for item in predict(panel, [image.path for image in judge.images]):
        if isinstance(item, Unreadable):
            raise EvaluationError(item.reason)
        for name in variants:
            found[name].append(_candidates(item[name]))
    return {name: judge.precision(items) for name, items in found.items()}


def variant_accuracy(
    bundle: Path, judge: ClassificationValidator, variants: Sequence[str]
) -> dict[str, float]:
    """Share of the images of ``judge`` that each of ``variants``, of a classifier, tells right.

    Raises :class:`EvaluationError` where one of them can no longer be read.
    """
    panel = Panel(bundle, tuple(variants), REFERENCE_INTERPRETER, 0.0)
    right = dict.fromkeys(variants, 0)
    said = predict(panel, [image.path for image in judge.images])
    for item, truth in zip(said, judge.truth.tolist(), strict=True):
        if isinstance(item, Unreadable):
            raise EvaluationError(item.reason)
        for name in variants:
            right[name] += int(item[name][0, 0]) == truth
    return {name: count / len(judge.images) for name, count in right.items()}


def _candidates(rows: Predictions) -> Candidates:
    return Candidates(
        rows[:, 2:].astype(np.float32), rows[:, 1].astype(np.float32), rows[:, 0].astype(np.intp)
    )
