"""The contract of a model: what must be known to feed it pixels and to decode its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.models.base import Network
from device.bundle.defaults import MAX_DETECTIONS, threshold_for
from device.bundle.manifest import Head, InputRule, Rule, Task, TensorSpec

HeadsOf = Callable[[Mapping[str, TensorSpec]], tuple[Head, ...]]
"""The heads of a file, from its outputs by their names in the signature."""


@dataclass(frozen=True)
class Contract:
    """Input, decoder and labels that all variants of a model share.

    ``anchors``: float32 (count, 4), of a raw SSD. ``threshold``: the least score, 0..1, that
    counts as found.
    """

    task: Task
    input: InputRule
    decoder: Rule
    labels: tuple[str, ...]
    heads: HeadsOf
    threshold: float
    anchors: NDArray[np.float32] | None = None
    max_detections: int = MAX_DETECTIONS


def contract_of(network: Network) -> Contract:
    """What a bundle of ``network`` promises."""
    return Contract(
        task=network.task,
        input=network.input,
        decoder=network.decoder,
        labels=network.labels,
        heads=network.heads,
        threshold=threshold_for(network.task),
        anchors=network.anchors,
    )
