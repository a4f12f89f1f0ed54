"""Verification: whether a bundle sees here what it saw on the laptop that made it."""

from __future__ import annotations

from device.bundle.manifest import SampleDetection
from device.bundle.model import Model
from device.errors import SourceError
from device.images import read_image
from device.inference.boxes import MATCH_IOU, iou
from device.inference.engine import Engine
from device.records import Frame

SCORE_TOLERANCE = 0.15  # what kernels of different interpreters and processors may differ by


def differences(bundle: Model, engine: Engine) -> list[str]:
    """What the bundle's samples show here and on the laptop did not, or the other way round.

    Compared by class, overlap and a tolerance in the score, never by bits: processors round
    differently. Raises ``SourceError`` where the bundle has no samples to compare.
    """
    recorded = [sample for sample in bundle.manifest.samples if engine.variant in sample.detections]
    if not recorded:
        raise SourceError(f"{bundle.folder} has no samples of {engine.variant} to compare with")
    manifest = bundle.manifest
    usual = dict.fromkeys(bundle.labels, manifest.threshold) | manifest.class_thresholds
    least = min(usual.values(), default=manifest.threshold)
    found = []
    for number, sample in enumerate(recorded):
        frame = Frame(read_image(bundle.file(sample.file)), number, 0.0)
        result = engine.run_at(max(least - SCORE_TOLERANCE, least / 2), frame)
        if result.classes is None:
            seen = [SampleDetection(d.label, d.score, d.box) for d in result.detections]
        else:
            seen = [SampleDetection(item.label, item.score) for item in result.classes]
        there = sample.detections[engine.variant]
        found += [
            f"{sample.file}: the laptop saw {item.label} ({item.score:.2f}), this machine does not"
            for item in there
            if item.score >= usual.get(item.label, least)
            and not any(_alike(item, other) for other in seen)
        ]
        found += [
            f"{sample.file}: {item.label} ({item.score:.2f}) is seen, on the laptop it was not"
            for item in seen
            if item.score >= usual.get(item.label, least) + SCORE_TOLERANCE
            and not any(_alike(item, other) for other in there)
        ]
    return found


def _alike(one: SampleDetection, other: SampleDetection) -> bool:
    if one.label != other.label or abs(one.score - other.score) > SCORE_TOLERANCE:
        return False
    return one.box is None or other.box is None or iou(one.box, other.box) >= MATCH_IOU
