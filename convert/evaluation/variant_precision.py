"""Precision of a bundle's variants on labelled images, by the engine that runs on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convert.errors import EvaluationError
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


def _candidates(rows: Predictions) -> Candidates:
    return Candidates(
        rows[:, 2:].astype(np.float32), rows[:, 1].astype(np.float32), rows[:, 0].astype(np.intp)
    )
