"""Validation of a classifier while it is trained: accuracy, recall of each class, thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from convert.errors import DatasetError
from convert.evaluation.validation import ClassThreshold, best_threshold, fitted_images
from convert.training.dataset import TrainingImage
from device.bundle.manifest import InputRule

Probabilities = NDArray[np.float32]
"""Of each class, 0..1, for each image: (images, classes)."""


class ClassificationValidator:
    """Validation images as the network gets them, and the class that each shows."""

    def __init__(
        self, images: Sequence[TrainingImage], classes: Sequence[str], rule: InputRule
    ) -> None:
        """Images that cannot be read are left out. Raises ``DatasetError`` where none can."""
        self.classes = tuple(classes)
        self.pixels: list[NDArray[np.uint8]] = []  # RGB
        self.images: list[TrainingImage] = []
        for image, pixels, _ in fitted_images(images, rule):
            self.images.append(image)
            self.pixels.append(pixels)
        if not self.images:
            raise DatasetError("not one of the validation images can be read")
        self.truth = np.array([image.class_ids[0] for image in self.images], np.intp)

    def probabilities(self, answers: Iterable[NDArray[np.float32]]) -> Probabilities:
        """Probabilities of what the network answers to each image, its logits."""
        logits = np.stack(list(answers))
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Probabilities = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def scores(self, probabilities: Probabilities) -> tuple[float, float]:
        """Share of the images that are told right, and the mean of that over their classes."""
        right = probabilities.argmax(axis=1) == self.truth
        recalls = [right[self.truth == number].mean() for number in np.unique(self.truth)]
        return float(right.mean()), float(np.mean(recalls))

    def thresholds(self, probabilities: Probabilities) -> dict[str, ClassThreshold]:
        """The threshold of each class that gives the best F1, a class against all others."""
        return {
            name: best_threshold(
                probabilities[:, number].astype(np.float64),
                self.truth == number,
                int((self.truth == number).sum()),
            )
            for number, name in enumerate(self.classes)
        }
