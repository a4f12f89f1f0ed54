"""The network: float, ready to be converted, with all that a bundle must say about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from device.bundle.decoder_rules import ClassifierRule, SsdRule
from device.bundle.heads import ClassifierHead, Head, SsdHead, TensorSpec
from device.bundle.manifest import InputRule, Task


@dataclass(frozen=True)
class Network:
    """A network: where it comes from, and how a device must use it.

    ``export`` writes it as a SavedModel into an empty folder and returns its number of
    parameters: the slow part, which imports TensorFlow.
    """

    name: str
    title: str
    licence: str
    source: str
    labels: tuple[str, ...]
    input: InputRule
    input_name: str
    decoder: SsdRule | ClassifierRule
    export: Callable[[Path], int]
    anchors: NDArray[np.float32] | None = None
    weights_sha256: Mapping[str, str] = field(default_factory=dict)
    threshold: float | None = None  # least score reported; None for what suits the task
    class_thresholds: Mapping[str, float] = field(default_factory=dict)  # by label, instead of it
    trained: bool = True  # random weights answer chaotically: likeness to float32 means nothing

    @property
    def task(self) -> Task:
        """What it is for."""
        return "detection" if isinstance(self.decoder, SsdRule) else "classification"

    @property
    def logits(self) -> bool:
        """Whether it is a detector whose scores are logits, each of a sigmoid of its own."""
        return isinstance(self.decoder, SsdRule) and self.decoder.score == "logit"

    def heads(self, outputs: Mapping[str, TensorSpec]) -> tuple[Head, ...]:
        """Its heads, from the outputs of a variant by their names in the signature.

        A detector's are ``boxes_0``, ``scores_0``, ..., in the order of its anchors; a classifier
        has one output. Raises :class:`ConversionError` for others.
        """
        if isinstance(self.decoder, SsdRule):
            return ssd_heads(outputs)
        if len(outputs) != 1:
            raise ConversionError(f"a classifier has one output, this has {sorted(outputs)}")
        (scores,) = outputs.values()
        binary = self.decoder.score.startswith("binary")
        if scores.shape[-1] != (1 if binary else len(self.labels)):
            raise ConversionError(
                f"{scores.shape[-1]} scores for {len(self.labels)} labels: give the file that "
                "belongs to this model with --labels"
            )
        return (ClassifierHead(scores=scores),)


def ssd_heads(outputs: Mapping[str, TensorSpec]) -> tuple[SsdHead, ...]:
    """Join the outputs ``boxes_0``, ``scores_0``, ... to heads, in the order of the anchors."""
    heads = []
    first_anchor = 0
    for level in range(len(outputs) // 2):
        boxes, scores = outputs[f"boxes_{level}"], outputs[f"scores_{level}"]
        anchors = math.prod(boxes.shape) // 4
        heads.append(
            SsdHead(boxes=boxes, scores=scores, first_anchor=first_anchor, anchors=anchors)
        )
        first_anchor += anchors
    return tuple(heads)
