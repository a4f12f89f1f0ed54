"""Trained classifiers: from the weights that training came to, to a bundle like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.build.trained import LICENCE, input_rule, listed, rounded_thresholds
from convert.models.base import Network
from device.bundle.decoder_rules import ClassifierRule

TOP = 5  # classes that are told at most, each where it reaches its threshold


@dataclass(frozen=True, slots=True)
class TrainedClassifier:
    """What training came to: weights, in the order of the network's variables, and thresholds."""

    name: str
    classes: tuple[str, ...]
    size: int
    weights: Sequence[NDArray[np.float32]]
    class_thresholds: Mapping[str, float]
    source: str

    def network(self) -> Network:
        """The network that is converted."""

        def export(saved_model: Path) -> int:
            from convert.models.freeze import Frozen
            from convert.models.mobilenet_classifier import build_classifier

            model = build_classifier(len(self.classes), self.size)
            model.set_weights(list(self.weights))
            frozen = Frozen(lambda image: model(image, training=False), (self.size, self.size))
            frozen.save(saved_model)
            return frozen.parameters

        thresholds, mean = rounded_thresholds(self.class_thresholds)
        return Network(
            name=self.name,
            title=f"MobileNetV2 trained on {listed(self.classes)}",
            licence=LICENCE,
            source=self.source,
            labels=self.classes,
            input=input_rule(self.size),
            input_name="image",
            decoder=ClassifierRule(score="logit", top=min(TOP, len(self.classes))),
            export=export,
            threshold=mean,
            class_thresholds=thresholds,
        )
