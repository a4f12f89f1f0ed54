"""Agreement of two sets of detections: matches, and F1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.inference.boxes import MATCH_IOU, iou
from device.records import Detection


def count_matches(found: Sequence[Detection], truth: Sequence[Detection]) -> int:
    """How many of ``found`` match one of ``truth``: same class, IoU at least 0.5, each once.

    The best scores choose first, as in COCO's evaluation.
    """
    free = list(truth)
    matches = 0
    for item in sorted(found, key=lambda item: -item.score):
        overlaps = [iou(item.box, other.box) * (item.class_id == other.class_id) for other in free]
        if overlaps and max(overlaps) >= MATCH_IOU:
            free.pop(int(np.argmax(overlaps)))
            matches += 1
    return matches


def count_agreement(found: Sequence[Detection], truth: Sequence[Detection]) -> tuple[int, int]:
    """How many detections of both, on one picture, have a match in the other; and how many are.

    Summed over pictures, the first over the second is their F1.
    """
    return 2 * count_matches(found, truth), len(found) + len(truth)


def f1(found: Sequence[Sequence[Detection]], truth: Sequence[Sequence[Detection]]) -> float:
    """F1 over pictures: twice the matches over all detections of both; 1 where there are none."""
    counts = [count_agreement(a, b) for a, b in zip(found, truth, strict=True)]
    total = sum(number for _, number in counts)
    return sum(matched for matched, _ in counts) / total if total else 1.0
