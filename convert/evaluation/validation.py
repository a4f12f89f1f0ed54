"""Validation: how good a detector is while it is trained, by the device's own decoder.

Its raw heads are decoded and suppressed by the code that runs on the Pi, and measured by
pycocotools, so that validation speaks of what the bundle will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.annotations.ground_truth import GroundTruthBox, GroundTruthImage
from convert.annotations.read import annotated_set
from convert.errors import DatasetError
from convert.evaluation.coco_map import Precision, mean_average_precision
from convert.training.dataset import TrainingImage
from device.bundle.decoder_rules import SsdRule
from device.bundle.heads import SsdHead, TensorSpec
from device.bundle.manifest import InputRule
from device.errors import SourceError
from device.images import read_image
from device.inference.boxes import iou
from device.inference.candidates import Candidates
from device.inference.decode import make_decoder
from device.inference.preprocess import Placement, Preprocessor

SCORE_THRESHOLD = 0.005  # nearly all that counts for mAP, at a tenth of the decoding
MAX_DETECTIONS = 100
FOUND_IOU = 0.5  # from which a detection has found an object, for precision and recall
LEAST_THRESHOLD = 0.05  # on few images the best F1 may lie where any noise would be reported
DEFAULT_THRESHOLD = 0.5

Heads = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ClassThreshold:
    """The score from which a class is reported, and what that gives on validation images."""

    threshold: float
    precision: float
    recall: float
    f1: float


class DetectionValidator:
    """Validation images as the network gets them, and what is to be found on them."""

    def __init__(
        self,
        images: Sequence[TrainingImage],
        classes: Sequence[str],
        rule: InputRule,
        decoder: SsdRule,
        anchors: NDArray[np.float32],
    ) -> None:
        """Images that cannot be read are left out. Raises ``DatasetError`` where none can."""
        self.classes = tuple(classes)
        self.pixels: list[NDArray[np.uint8]] = []  # RGB
        self.images: list[TrainingImage] = []
        self._placements: list[Placement] = []
        for image, pixels, placement in fitted_images(images, rule):
            self._placements.append(placement)
            self.pixels.append(pixels)
            self.images.append(image)
        if not self.images:
            raise DatasetError("not one of the validation images can be read")
        counted = {int(number) for image in self.images for number in image.class_ids}
        self._truth = annotated_set(
            [_ground_truth(image, classes) for image in self.images],
            [name for number, name in enumerate(classes) if number in counted],
            classes,
        )
        count = len(anchors)
        head = SsdHead(
            boxes=TensorSpec(position=0, shape=(1, count, 4), dtype="float32"),
            scores=TensorSpec(position=1, shape=(1, count, len(classes)), dtype="float32"),
            first_anchor=0,
            anchors=count,
        )
        self._decode = make_decoder((head,), decoder, anchors, rule.size_wh)

    def find(self, answers: Iterable[Heads]) -> list[Candidates]:
        """What the heads found on each image, boxes in its pixels."""
        found = []
        for placement, heads in zip(self._placements, answers, strict=True):
            item = self._decode(heads, SCORE_THRESHOLD, MAX_DETECTIONS)
            found.append(Candidates(placement.to_source(item.boxes), item.scores, item.class_ids))
        return found

    def precision(self, found: Sequence[Candidates]) -> Precision:
        """COCO's mAP of what was found; -1 where there is nothing to be found."""
        categories = self._truth.category_ids
        rows: list[dict[str, Any]] = [
            {
                "image_id": number,
                "category_id": categories[self.classes[class_id]],
                "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
                "score": score,
            }
            for number, item in enumerate(found, start=1)
            for class_id, score, (x_min, y_min, x_max, y_max) in zip(
                item.class_ids.tolist(), item.scores.tolist(), item.boxes.tolist(), strict=True
            )
            if self.classes[class_id] in categories
        ]
        return mean_average_precision(self._truth, rows, list(self._truth.images))

    def thresholds(self, found: Sequence[Candidates]) -> dict[str, ClassThreshold]:
        """The threshold of each class that gives the best F1.

        A class of which validation shows nothing gets :data:`DEFAULT_THRESHOLD`.
        """
        return {
            name: best_threshold(*self._matches(found, number))
            for number, name in enumerate(self.classes)
        }

    def _matches(
        self, found: Sequence[Candidates], class_id: int
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
        """Scores of the detections of a class, whether each found an object, and how many are."""
        scores, right, objects = [], [], 0
        for image, item in zip(self.images, found, strict=True):
            of_class = image.class_ids == class_id
            truth = image.boxes[of_class & ~image.ignored].tolist()
            passed_over = image.boxes[of_class & image.ignored].tolist()
            objects += len(truth)
            for row in np.flatnonzero(item.class_ids == class_id):  # best score first
                box = item.boxes[row].tolist()
                overlaps = [iou(box, other) for other in truth]
                hit = bool(overlaps) and max(overlaps) >= FOUND_IOU
                if hit:
                    truth.pop(int(np.argmax(overlaps)))
                elif any(iou(box, other) >= FOUND_IOU for other in passed_over):
                    continue
                scores.append(float(item.scores[row]))
                right.append(hit)
        return np.array(scores, np.float64), np.array(right, np.bool_), objects


def fitted_images(
    images: Sequence[TrainingImage], rule: InputRule
) -> Iterator[tuple[TrainingImage, NDArray[np.uint8], Placement]]:
    """Each of ``images`` that can be read, and it as the network gets it.

    That is uint8 (height, width, 3), RGB, not normalised yet.
    """
    fit = Preprocessor(
        msgspec.structs.replace(rule, mean=0.0, std=1.0),
        TensorSpec(position=0, shape=rule.shape, dtype="uint8"),
    )
    for image in images:
        try:
            pixels = read_image(image.path)
        except SourceError:
            continue
        fitted = np.empty(rule.shape, np.uint8)
        placement = fit(pixels, fitted)
        yield image, fitted[0], placement


def best_threshold(
    scores: NDArray[np.float64], right: NDArray[np.bool_], objects: int
) -> ClassThreshold:
    """The threshold with the best F1, halfway to the next lower score.

    ``scores`` and ``right`` (detections,): whether each found one of ``objects``.
    """
    if objects == 0 or not right.any():
        return ClassThreshold(DEFAULT_THRESHOLD, 0.0, 0.0, 0.0)
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    ranks = np.arange(1, len(scores) + 1)
    f1 = 2 * hits / (ranks + objects)
    f1[scores < LEAST_THRESHOLD] = -1
    best = int(f1.argmax())
    following = scores[best + 1] if best + 1 < len(scores) else 0.0
    threshold = max(LEAST_THRESHOLD, float(scores[best] + following) / 2)
    return ClassThreshold(
        threshold=round(threshold, 4),
        precision=float(hits[best] / ranks[best]),
        recall=float(hits[best] / objects),
        f1=max(0.0, float(f1[best])),
    )


def _ground_truth(image: TrainingImage, classes: Sequence[str]) -> GroundTruthImage:
    boxes = []
    for (x_min, y_min, x_max, y_max), class_id, ignored in zip(
        image.boxes.tolist(), image.class_ids.tolist(), image.ignored.tolist(), strict=True
    ):
        width, height = x_max - x_min, y_max - y_min
        boxes.append(
            GroundTruthBox(classes[class_id], x_min, y_min, width, height, width * height, ignored)
        )
    return GroundTruthImage(image.path.parent, image.path.name, tuple(boxes))
