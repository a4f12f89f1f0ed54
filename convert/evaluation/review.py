"""The review of a trained detector: each class, the confusion of classes, and the worst images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from convert.errors import EvaluationError
from convert.evaluation.coco_map import Precision
from convert.evaluation.mistakes import ImageMistakes, confusion, match, worst_images
from convert.training.dataset import TrainingImage
from device.inference.candidates import Candidates
from device.system.atomic_file import write_whole

FILE = "training.json"  # in the bundle's folder, beside its files


class ClassReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one class does at its threshold.

    ``train_boxes`` objects were trained on; of ``boxes`` in the images reviewed ``found`` were
    found, ``reported`` detections were made. ``ap`` is COCO's, None without an object.
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


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained detector in float32 on the images of one split.

    ``confusion`` has a row for each class and a column for each answer, the last of both for
    nothing. ``before`` is the mAP of the network that training started from with ``--from``.
    """

    split: str
    images: int
    map: float
    map_50: float
    classes: tuple[ClassReview, ...]
    confusion: list[list[int]]
    worst: tuple[ImageMistakes, ...]
    before: float | None = None


def make_review(
    split: str,
    images: Sequence[TrainingImage],
    found: Sequence[Candidates],
    precision: Precision,
    thresholds: Mapping[str, float],
    trained_on: Sequence[TrainingImage],
    before: float | None = None,
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
        map=round(precision.map, 4),
        map_50=round(precision.map_50, 4),
        classes=tuple(
            ClassReview(
                name=name,
                threshold=threshold,
                train_boxes=learnt[number],
                boxes=sum(table[number]),
                found=table[number][number],
                reported=sum(row[number] for row in table),
                ap=round(precision.classes[name], 4) if name in precision.classes else None,
            )
            for number, (name, threshold) in enumerate(thresholds.items())
        ),
        confusion=table,
        worst=worst_images(images, matches),
        before=before,
    )


def write_review(review: Review, folder: Path) -> None:
    """Write it into ``folder``, whole. Raises ``SinkError`` where the disk is full."""
    data = msgspec.json.format(msgspec.json.encode(review), indent=1)
    write_whole(folder / FILE, data + b"\n", "free some space")


def read_review(folder: Path) -> Review | None:
    """The review of the bundle at ``folder``; None where it was not trained here.

    Raises :class:`EvaluationError` for a file that cannot be used.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Review)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise EvaluationError(f"{path} cannot be read: {exc.strerror}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EvaluationError(f"{path}: {exc}; train again, or remove it") from exc
