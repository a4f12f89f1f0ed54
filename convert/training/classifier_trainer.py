"""Training of a classifier: the loop with the cross-entropy of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.training.trainer import Trainer

# Of the truth that is spread over all classes: Szegedy et al. 2016, arXiv:1512.00567, section 7.
SMOOTHING = 0.1


class ClassifierTrainer(Trainer):
    """A trainer whose network says which class an image shows."""

    LOSSES: ClassVar = ("class",)
    SCORES: ClassVar = ("accuracy", "mean recall")

    def _losses(self, pixels: Any, *shown: Any) -> tuple[Any, ...]:
        classes = shown[0]
        logits = self._outputs(self.model, pixels)["scores"]
        return (cross_entropy(logits, classes[:, 0]),)

    def _answer_step(self, pixels: Any) -> tuple[Any, ...]:
        return (self._outputs(self.average, pixels)["scores"],)

    def answers(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """Logits (classes,) of the averaged network for each image, uint8 RGB of its size."""
        for (logits,) in self._answers(images):
            yield logits


def cross_entropy(logits: Any, classes: Any) -> Any:
    """Sum over a batch of the cross-entropy with smoothed labels.

    ``logits`` float32 (batch, classes); ``classes`` int32 (batch,).
    """
    count = logits.shape[-1]
    truth = tf.one_hot(classes, count) * (1 - SMOOTHING) + SMOOTHING / count
    return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels=truth, logits=logits))
