"""Decoding of models that have decoded and suppressed their boxes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import DetectionsRule
from device.bundle.heads import DetectionsHead, TensorSpec
from device.bundle.manifest import Threshold
from device.inference.candidates import Candidates, dequantise, refuse_broken
from device.inference.thresholds import least_scores
from device.records import Tensor


class DetectionsDecoder:
    """Reads the outputs of a model that has decoded and suppressed its boxes itself."""

    def __init__(self, head: DetectionsHead, rule: DetectionsRule) -> None:
        self.head = head
        self.rule = rule

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """The rows scored at least ``threshold``, at most ``max_detections``."""

        def real(spec: TensorSpec) -> NDArray[np.float32]:
            return dequantise(outputs[spec.position], spec)

        head = self.head
        scores = real(head.scores).reshape(-1)
        if head.count is not None:
            count = real(head.count).reshape(-1)
            refuse_broken(count)
            scores = scores[: max(0, int(count[0]))]
        numbers = real(head.classes).reshape(-1)[: len(scores)]
        passed = np.flatnonzero(scores >= least_scores(threshold, numbers))
        kept = passed[np.argsort(-scores[passed], kind="stable")][:max_detections]
        boxes = real(head.boxes).reshape(-1, 4)[kept]
        if self.rule.box == "yxyx":
            boxes = boxes[:, [1, 0, 3, 2]]
        class_ids = numbers[kept]
        refuse_broken(boxes, class_ids)
        return Candidates(boxes, scores[kept], np.maximum(class_ids, 0).astype(np.intp))
