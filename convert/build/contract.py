"""The contract of a model: what must be known to feed it pixels and to decode its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convert.models.base import Network
from device.bundle.decoder_rules import Rule
from device.bundle.defaults import MAX_DETECTIONS, threshold_for
from device.bundle.heads import Head, TensorSpec
from device.bundle.manifest import InputRule, Task, Threshold

HeadsOf = Callable[[Mapping[str, TensorSpec]], tuple[Head, ...]]
"""The heads of a file, from its outputs by their names in the signature."""


@dataclass(frozen=True)
class Contract:
    """Input, decoder and labels that all variants of a model share.

    ``anchors``: float32 (count, 4), of a raw SSD. ``threshold``: the least score, 0..1, that
    counts as found; ``class_thresholds``, by label, what it is instead for some classes.
    """

    task: Task
    input: InputRule
    decoder: Rule
    labels: tuple[str, ...]
    heads: HeadsOf
    threshold: float
    anchors: NDArray[np.float32] | None = None
    max_detections: int = MAX_DETECTIONS
    class_thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def thresholds(self) -> Threshold:
        """The least score that counts as found: one for all classes, or one for each."""
        if not self.class_thresholds:
            return self.threshold
        return tuple(self.class_thresholds.get(label, self.threshold) for label in self.labels)


def contract_of(network: Network) -> Contract:
    """What a bundle of ``network`` promises."""
    return Contract(
        task=network.task,
        input=network.input,
        decoder=network.decoder,
        labels=network.labels,
        heads=network.heads,
        threshold=network.threshold or threshold_for(network.task),
        anchors=network.anchors,
        class_thresholds=network.class_thresholds,
    )
