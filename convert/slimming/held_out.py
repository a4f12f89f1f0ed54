"""Pictures that students are judged on, and what is to be found on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.build.trained import input_rule
from convert.evaluation.bootstrap import Interval, Weights, draw_weights, interval
from convert.evaluation.coco_map import ClassMatches, resampled_precision
from convert.evaluation.predict import Looker, Panel, Predictions, Unreadable, predict
from convert.evaluation.validation import SCORE_THRESHOLD, DetectionValidator
from convert.models.anchors import AnchorLayout
from convert.slimming.original import Original
from convert.training.dataset import Dataset, TrainingImage
from convert.training.network import normalised, raw_heads
from device.inference.candidates import Candidates

CONFIDENT = 0.3  # the least score of the whole network's that counts as a label
MOST_CHOSEN_BY = 64  # images that tell which epoch is the best
MOST_JUDGED = 500

Heads = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Look:
    """What one network found on every judged picture, as matches with what is there."""

    matches: tuple[ClassMatches, ...] = field(repr=False)
    images: int = 0

    def points(self, weights: Weights) -> NDArray[np.float64]:
        """MAP in points, float64 (resamples,), each picture counting as often as told."""
        return 100 * resampled_precision(self.matches, weights)


def answers(
    model: keras.Model, classes: int, images: Iterable[NDArray[np.uint8]]
) -> Iterator[Heads]:
    """Encodings (anchors, 4) and logits (anchors, classes) for each image, uint8 RGB."""
    answer = tf.function(lambda image: raw_heads(model(normalised(image), training=False), classes))
    for image in images:
        boxes, logits = answer(tf.constant(image[np.newaxis]))
        yield boxes.numpy()[0], logits.numpy()[0]


class HeldOut:
    """The judged pictures of one original, with labels, or with what the original finds on them."""

    def __init__(
        self,
        original: Original,
        dataset: Dataset,
        labelled: bool,
        looker: Looker | None = None,
    ) -> None:
        """Unlabelled pictures get their labels from the whole network: :meth:`label`."""
        self._original = original
        self._looker = looker
        self._judged = dataset.test[:MOST_JUDGED]
        self.chosen_by = dataset.validation[:MOST_CHOSEN_BY] or self._judged[:MOST_CHOSEN_BY]
        self.labelled = labelled
        self.metric = "mAP" if labelled else "mAP against the whole network's own detections"

    def label(self, model: keras.Model) -> None:
        """Take what the whole network finds for what is there, where nobody said."""
        if not self.labelled:
            self._judged = self.labelled_by(model, self._judged)
            self.chosen_by = self.labelled_by(model, self.chosen_by)

    def labelled_by(
        self, model: keras.Model, images: Sequence[TrainingImage]
    ) -> tuple[TrainingImage, ...]:
        """``images`` with what ``model``, the whole network, surely finds on each."""
        validator = self._validator(images, self._original.layout)
        found = validator.find(answers(model, len(self._original.labels), validator.pixels))
        labelled = []
        for image, item in zip(validator.images, found, strict=True):
            sure = item.scores >= CONFIDENT
            limits = np.array([image.width, image.height] * 2, np.float32)
            boxes = np.clip(item.boxes[sure], 0, limits).astype(np.float32)
            whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
            labelled.append(
                dataclasses.replace(
                    image,
                    boxes=boxes[whole],
                    class_ids=item.class_ids[sure][whole].astype(np.int32),
                    ignored=np.zeros(int(whole.sum()), np.bool_),
                )
            )
        return tuple(labelled)

    def chooser(self, layout: AnchorLayout) -> DetectionValidator:
        """The pictures that tell which epoch is the best, as a network of ``layout`` sees them."""
        return self._validator(self.chosen_by, layout)

    def thresholds(self, model: keras.Model, layout: AnchorLayout) -> dict[str, float]:
        """The threshold of each class that gives the best F1 on what epochs are chosen by."""
        validator = self.chooser(layout)
        found = validator.find(answers(model, len(self._original.labels), validator.pixels))
        return {name: item.threshold for name, item in validator.thresholds(found).items()}

    def look(self, model: keras.Model, layout: AnchorLayout) -> Look:
        """What ``model``, with anchors of ``layout``, finds on all judged pictures."""
        validator = self._validator(self._judged, layout)
        found = validator.find(answers(model, len(self._original.labels), validator.pixels))
        return Look(validator.precision(found).matches, len(validator.images))

    def look_of_variant(self, bundle: Path, variant: str) -> Look:
        """What a variant of a bundle finds on all judged pictures, in LiteRT."""
        validator = self._validator(self._judged, self._original.layout)
        panel = Panel(bundle, (variant,), "litert", SCORE_THRESHOLD)
        looked = predict(panel, [image.path for image in validator.images], self._looker)
        found = [_candidates(item[variant]) for item in looked if not isinstance(item, Unreadable)]
        return Look(validator.precision(found).matches, len(found))

    def _validator(
        self, images: Sequence[TrainingImage], layout: AnchorLayout
    ) -> DetectionValidator:
        labels, rule = self._original.labels, self._original.decoder
        return DetectionValidator(images, labels, input_rule(layout.size), rule, layout.anchors())


def _candidates(found: Predictions) -> Candidates:
    return Candidates(
        found[:, 2:6].astype(np.float32),
        found[:, 1].astype(np.float32),
        found[:, 0].astype(np.intp),
    )


@dataclass(frozen=True, slots=True)
class LookPair:
    """What one network found in float32, and in int8; where that is not there, float32 twice."""

    float32: Look
    int8: Look

    @property
    def has_int8(self) -> bool:
        """Whether int8 was there."""
        return self.int8 is not self.float32


def lost_by_int8(whole: LookPair, less: LookPair, seed: int) -> float:
    """Points that int8 takes from ``less`` more than from ``whole``; negative where it takes less.

    Zero where the 95 % interval includes zero: on few pictures int8 alone moves mAP by half a point
    either way.
    """
    count = whole.float32.images
    weights = np.concatenate((np.ones((1, count), np.int32), draw_weights(count, seed)))
    ours, theirs = (
        pair.float32.points(weights) - pair.int8.points(weights) for pair in (less, whole)
    )
    first, *others = ours - theirs
    spread = interval(np.array(others))
    told = spread is not None and not spread[0] <= 0 <= spread[1]
    return float(first) if told else 0.0


def lost(
    whole: Look, less: Look, seed: int, images: Sequence[int] | None = None
) -> tuple[float, Interval | None, float]:
    """Points that ``less`` is below ``whole`` on ``images`` (positions; None: all of them).

    With the interval that 95 % of resamples fall into, paired, and their deviation.
    """
    chosen = list(range(whole.images)) if images is None else sorted(images)
    drawn = np.concatenate((np.ones((1, len(chosen)), np.int32), draw_weights(len(chosen), seed)))
    weights = np.zeros((len(drawn), whole.images), np.int32)
    weights[:, chosen] = drawn
    first, *others = whole.points(weights) - less.points(weights)
    values = np.array(others)
    return float(first), interval(values), float(np.nanstd(values))
