"""The decoder for a manifest's rule: from a model's outputs to boxes and classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from device.bundle.decoder_rules import (
    ClassifierRule,
    DenseRule,
    DetectionsRule,
    RowsRule,
    Rule,
    SsdRule,
)
from device.bundle.heads import ClassifierHead, DenseHead, DetectionsHead, Head, RowsHead, SsdHead
from device.errors import BundleError

if TYPE_CHECKING:
    from device.inference.decode_classes import ClassifierDecoder
    from device.inference.decode_dense import DenseDecoder, RowsDecoder
    from device.inference.decode_detections import DetectionsDecoder
    from device.inference.decode_ssd import SsdDecoder

    Decoder = SsdDecoder | DetectionsDecoder | DenseDecoder | RowsDecoder | ClassifierDecoder


def make_decoder(
    heads: Sequence[Head],
    rule: Rule,
    anchors: NDArray[np.float32] | None,
    input_wh: tuple[int, int],
) -> Decoder:
    """The decoder for ``rule``; of the kinds that there are, the one it takes is imported.

    ``anchors`` are only asked by SSD, ``input_wh`` by models whose boxes are in pixels of the
    input. Raises ``BundleError`` where heads and rule do not belong together.
    """
    _check_background(heads, rule)
    if isinstance(rule, SsdRule):
        ssd_heads = [head for head in heads if isinstance(head, SsdHead)]
        reach = max((head.first_anchor + head.anchors for head in ssd_heads), default=0)
        if anchors is not None and 0 < reach <= len(anchors) and len(ssd_heads) == len(heads):
            from device.inference.decode_ssd import SsdDecoder

            return SsdDecoder(ssd_heads, anchors, rule)
    else:
        match rule, heads:
            case ClassifierRule(), [ClassifierHead() as head]:
                from device.inference.decode_classes import ClassifierDecoder

                return ClassifierDecoder(head, rule)
            case DetectionsRule() as rule, [DetectionsHead() as head]:
                from device.inference.decode_detections import DetectionsDecoder

                return DetectionsDecoder(head, rule)
            case DenseRule(), [DenseHead() as head]:
                from device.inference.decode_dense import DenseDecoder

                return DenseDecoder(head, rule, input_wh)
            case RowsRule(), [RowsHead() as head]:
                from device.inference.decode_dense import RowsDecoder

                return RowsDecoder(head, rule.units, input_wh)
    raise BundleError("the manifest's heads and decoder do not belong together")


def _check_background(heads: Sequence[Head], rule: Rule) -> None:
    """Raise ``BundleError`` where the class that is never reported is none."""
    background = getattr(rule, "background", None)
    if background is None:
        return
    for head in heads:
        if isinstance(rule, DenseRule):
            classes = rule.classes
        elif isinstance(head, SsdHead):
            classes = math.prod(head.scores.shape) // head.anchors
        elif isinstance(head, ClassifierHead):
            classes = max(2, math.prod(head.scores.shape))
        else:
            continue
        if background >= max(1, classes):
            raise BundleError(
                f"the manifest has class {background} for the background, of {classes} classes"
            )
