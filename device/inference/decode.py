"""The decoder for a manifest's rule: from a model's outputs to boxes and classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import (
    ClassifierHead,
    ClassifierRule,
    DetectionsHead,
    DetectionsRule,
    Head,
    Rule,
    SsdHead,
    SsdRule,
)
from device.errors import BundleError
from device.inference.decode_classes import ClassifierDecoder
from device.inference.decode_detections import DetectionsDecoder
from device.inference.decode_ssd import SsdDecoder

Decoder = SsdDecoder | DetectionsDecoder | ClassifierDecoder


def make_decoder(heads: Sequence[Head], rule: Rule, anchors: NDArray[np.float32] | None) -> Decoder:
    """The decoder for ``rule``; ``anchors`` are only asked by SSD. Raises ``BundleError``."""
    if isinstance(rule, SsdRule):
        ssd_heads = [head for head in heads if isinstance(head, SsdHead)]
        reach = max((head.first_anchor + head.anchors for head in ssd_heads), default=0)
        if anchors is not None and 0 < reach <= len(anchors) and len(ssd_heads) == len(heads):
            return SsdDecoder(ssd_heads, anchors, rule)
    else:
        match rule, heads:
            case ClassifierRule(), [ClassifierHead() as head]:
                return ClassifierDecoder(head, rule)
            case DetectionsRule(), [DetectionsHead() as head]:
                return DetectionsDecoder(head)
    raise BundleError("the manifest's heads and decoder do not belong together")
