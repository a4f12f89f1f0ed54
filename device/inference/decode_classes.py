"""Decoding of a classifier's scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import ClassifierRule
from device.bundle.heads import ClassifierHead
from device.bundle.manifest import Threshold
from device.inference.candidates import Candidates, dequantise
from device.inference.thresholds import least_scores
from device.records import Tensor


class ClassifierDecoder:
    """Turns the scores of a classifier into its best classes."""

    def __init__(self, head: ClassifierHead, rule: ClassifierRule) -> None:
        self.head = head
        self.rule = rule

    def __call__(
        self, outputs: Sequence[Tensor], threshold: Threshold, max_detections: int
    ) -> Candidates:
        """The classes scored at least ``threshold``, at most ``max_detections`` and ``top``."""
        scores = dequantise(outputs[self.head.scores.position].reshape(-1), self.head.scores)
        if self.rule.score == "logit":
            scores = _softmax(scores)
        elif self.rule.score == "binary":
            scores = np.concatenate((1 - scores, scores))
        elif self.rule.score == "binary-logit":  # the logistic function is a softmax over 0 and it
            scores = _softmax(np.concatenate((np.zeros_like(scores), scores)))
        if self.rule.background is not None:
            scores[self.rule.background] = -1.0
        best = np.argsort(-scores, kind="stable")[: min(self.rule.top, max_detections)]
        best = best[scores[best] >= least_scores(threshold, best)]
        return Candidates(np.empty((0, 4), np.float32), scores[best], best)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max())  # less the greatest: no overflow
    return np.asarray(powers / powers.sum(), np.float32)
