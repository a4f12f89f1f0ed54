"""What a detector gets wrong: objects missed, false alarms, and objects taken for another class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.training.dataset import TrainingImage
from device.inference.boxes import MATCH_IOU, iou
from device.inference.candidates import Candidates

WORST = 24  # images that are remembered

Kind = Literal["missed", "false alarm", "wrong class"]
Box = tuple[float, float, float, float]


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that went wrong on an image.

    ``truth`` is the object's class, empty for a false alarm; ``said`` the class that was
    reported, empty for a missed object. ``box`` x_min, y_min, x_max, y_max in pixels of the
    image: of what was reported, else of the object. ``score`` 0..1, 0 for a missed object.
    """

    kind: Kind
    truth: str
    said: str
    score: float
    box: Box


class ImageMistakes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image and all that went wrong on it."""

    path: str
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of one image matched with its objects: class ids, and -1 for nothing.

    ``pairs``: (class of the object, class that was reported) of each object and of each false
    alarm; ``mistakes`` are those of them that differ.
    """

    pairs: tuple[tuple[int, int], ...]
    mistakes: tuple[Mistake, ...]


def match(
    image: TrainingImage,
    found: Candidates,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
) -> Matches:
    """Match what is reported at ``thresholds`` with the objects of ``image``.

    A detection finds the object of its class that it overlaps most, from an IoU of
    :data:`MATCH_IOU` on, best scores first; what is left over may have taken an object of another
    class for its own. What lies on an ignored object counts nowhere.
    """
    limits = np.array([thresholds[name] for name in classes])
    said = [row for row in range(len(found.scores)) if _is_reported(found, row, limits)]
    free = np.flatnonzero(~image.ignored).tolist()
    pairs: list[tuple[int, int]] = []
    mistakes: list[Mistake] = []
    left = []
    for row in said:  # best score first
        class_id = int(found.class_ids[row])
        same = [number for number in free if image.class_ids[number] == class_id]
        number = _closest(found.boxes[row], image.boxes, same)
        if number is None:
            left.append(row)
        else:
            free.remove(number)
            pairs.append((class_id, class_id))
    ignored = np.flatnonzero(image.ignored).tolist()
    for row in left:
        class_id, score = int(found.class_ids[row]), float(found.scores[row])
        box = _box(found.boxes[row])
        number = _closest(found.boxes[row], image.boxes, free)
        if number is not None:
            free.remove(number)
            truth = int(image.class_ids[number])
            pairs.append((truth, class_id))
            mistakes.append(Mistake("wrong class", classes[truth], classes[class_id], score, box))
        elif _closest(found.boxes[row], image.boxes, ignored) is None:
            pairs.append((-1, class_id))
            mistakes.append(Mistake("false alarm", "", classes[class_id], score, box))
    for number in free:
        truth = int(image.class_ids[number])
        pairs.append((truth, -1))
        mistakes.append(Mistake("missed", classes[truth], "", 0.0, _box(image.boxes[number])))
    return Matches(tuple(pairs), tuple(mistakes))


def _is_reported(found: Candidates, row: int, limits: NDArray[np.float64]) -> bool:
    return bool(found.scores[row] >= limits[found.class_ids[row]])


def _closest(
    box: NDArray[np.float32], boxes: NDArray[np.float32], numbers: Sequence[int]
) -> int | None:
    """The one of ``numbers`` whose box overlaps ``box`` most; None where none does enough."""
    overlaps = {number: iou(_box(box), _box(boxes[number])) for number in numbers}
    best = max(overlaps, key=lambda number: overlaps[number], default=None)
    return best if best is not None and overlaps[best] >= MATCH_IOU else None


def _box(edges: NDArray[np.float32]) -> Box:
    x_min, y_min, x_max, y_max = (round(float(edge), 1) for edge in edges)
    return x_min, y_min, x_max, y_max


def confusion(pairs: Sequence[tuple[int, int]], classes: int) -> list[list[int]]:
    """How often each class was reported as each: rows are truth, columns what was said.

    The last row and the last column are nothing: false alarms and missed objects.
    """
    table = np.zeros((classes + 1, classes + 1), np.int64)
    for truth, said in pairs:
        table[truth, said] += 1  # -1 is the last
    rows: list[list[int]] = table.tolist()
    return rows


def worst_images(
    images: Sequence[TrainingImage], matches: Sequence[Matches], count: int = WORST
) -> tuple[ImageMistakes, ...]:
    """The images with most mistakes, of equals those that were surest of them."""
    wrong = [
        ImageMistakes(str(image.path), item.mistakes)
        for image, item in zip(images, matches, strict=True)
        if item.mistakes
    ]
    wrong.sort(
        key=lambda item: (len(item.mistakes), max(one.score for one in item.mistakes)),
        reverse=True,
    )
    return tuple(wrong[:count])
