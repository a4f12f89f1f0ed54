"""The review of a trained detector: each class, the confusion of classes, and the worst images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from convert.evaluation.coco_map import Precision
from convert.evaluation.mistakes import ImageMistakes, confusion, match, worst_images
from convert.side_file import read_side_file, write_side_file
from convert.training.dataset import TrainingImage
from device.bundle.manifest import Task
from device.inference.candidates import Candidates

FILE = "training.json"  # in the bundle's folder, beside its files


class ClassReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one class does at its threshold.

    ``train_boxes`` objects were trained on; of ``boxes`` in the images reviewed ``found`` were
    found, ``reported`` detections were made; of a classifier all these are images. ``ap`` is
    COCO's, None without an object.
    """

    name: str
    threshold: float
    train_boxes: int
    boxes: int
    found: int
    reported: int
    ap: float | None

    @property
    def precision(self) -> float | None:
        """Share of what was reported that is right; None where nothing was."""
        return self.found / self.reported if self.reported else None

    @property
    def recall(self) -> float | None:
        """Share of the objects that were found; None where there are none."""
        return self.found / self.boxes if self.boxes else None


class Gain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The score of a network, told beside that of others; None where it was not measured."""

    name: str
    float32: float
    int8: float | None = None


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained network in float32 on the images of one split.

    ``scores`` by their names, 0..1, the one that training chose by first. ``confusion`` has a row
    for each class and a column for each answer, the last of both for nothing. ``before`` is the
    first score of the network that training started from with ``--from``; ``gains`` tell what a
    teacher and training with rounding gave, the bundle's own last.
    """

    split: str
    images: int
    scores: dict[str, float]
    classes: tuple[ClassReview, ...]
    confusion: list[list[int]]
    worst: tuple[ImageMistakes, ...]
    before: float | None = None
    gains: tuple[Gain, ...] = ()
    task: Task = "detection"

    @property
    def score(self) -> float:
        """The score that training chose by, 0..1."""
        return next(iter(self.scores.values()))


def make_review(
    split: str,
    images: Sequence[TrainingImage],
    found: Sequence[Candidates],
    precision: Precision,
    thresholds: Mapping[str, float],
    trained_on: Sequence[TrainingImage],
    before: float | None = None,
    gains: tuple[Gain, ...] = (),
) -> Review:
    """Review what was ``found`` on ``images``; ``thresholds`` has each class, in its order."""
    classes = tuple(thresholds)
    matches = [
        match(image, item, classes, thresholds) for image, item in zip(images, found, strict=True)
    ]
    table = confusion([pair for item in matches for pair in item.pairs], len(classes))
    learnt = Counter(int(number) for image in trained_on for number in image.class_ids)
    return Review(
        split=split,
        images=len(images),
        scores={"mAP": round(precision.map, 4), "AP50": round(precision.map_50, 4)},
        classes=review_classes(thresholds, learnt, table, precision.classes),
        confusion=table,
        worst=worst_images(images, matches),
        before=before,
        gains=gains,
    )


def review_classes(
    thresholds: Mapping[str, float],
    learnt: Mapping[int, int],
    table: Sequence[Sequence[int]],
    precisions: Mapping[str, float],
) -> tuple[ClassReview, ...]:
    """How each class of ``thresholds`` does, by the confusion ``table``.

    ``learnt`` counts what was trained on by class id; ``precisions`` are COCO's, by name.
    """
    return tuple(
        ClassReview(
            name=name,
            threshold=threshold,
            train_boxes=learnt.get(number, 0),
            boxes=sum(table[number]),
            found=table[number][number],
            reported=sum(row[number] for row in table),
            ap=round(precisions[name], 4) if name in precisions else None,
        )
        for number, (name, threshold) in enumerate(thresholds.items())
    )


def write_review(review: Review, folder: Path) -> None:
    """Write it into ``folder``, whole. Raises ``SinkError`` where the disk is full."""
    write_side_file(folder / FILE, review, "free some space")


def read_review(folder: Path) -> Review | None:
    """The review of the bundle at ``folder``; None where it was not trained here.

    Raises :class:`EvaluationError` for a file that cannot be used.
    """
    return read_side_file(
        folder / FILE,
        lambda data: msgspec.json.decode(data, type=Review),
        "train again, or remove it",
    )
