"""Training of a detector: the loop with the losses of an SSD."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from convert.training.losses import focal_loss, smooth_l1_loss
from convert.training.network import raw_heads
from convert.training.trainer import Trainer

Heads = tuple[NDArray[np.float32], NDArray[np.float32]]


class SsdTrainer(Trainer):
    """A trainer whose network finds objects, by boxes and scores at anchors."""

    LOSSES: ClassVar = ("class", "box")
    SCORES: ClassVar = ("mAP", "AP50")

    def _losses(self, pixels: Any, *shown: Any) -> tuple[Any, ...]:
        classes, encodings = shown
        boxes, logits = self._heads(self.model, pixels)
        return focal_loss(logits, classes), smooth_l1_loss(boxes, encodings, classes)

    def _answer_step(self, pixels: Any) -> tuple[Any, ...]:
        return self._heads(self.average, pixels)

    def _heads(self, network: keras.Model, pixels: Any) -> tuple[Any, Any]:
        """Encodings and logits of ``network``, rounded where that has begun."""
        return raw_heads(self._outputs(network, pixels), self.classes)

    def answers(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[Heads]:
        """Encodings and logits of the averaged network for each image, uint8 RGB of its size.

        Yields float32 (anchors, 4) and (anchors, classes).
        """
        for boxes, logits in self._answers(images):  # noqa: UP028 - a pair, and mypy sees it
            yield boxes, logits
