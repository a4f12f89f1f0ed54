"""Annotations as YOLO's trainers read them: one text file per picture, a line per object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.annotations.ground_truth import (
    MAX_LABEL_BYTES,
    GroundTruthBox,
    GroundTruthImage,
    ImageIndex,
    Warn,
    read_each,
    read_text,
)
from convert.annotations.labels import MAX_PIXELS, Edges
from convert.errors import EvaluationError
from device.errors import SourceError
from device.images import read_image

CLASSES = "classes.txt"  # names of the classes, one per line, where LabelImg writes them
PLACEHOLDERS = ("", "???", "background")  # lines of a label file that are no class
SLACK = 0.01  # of a side: boxes at the rim reach over it by rounding


@dataclass(frozen=True, slots=True)
class YoloRow:
    """One object: its class by number, its edges as shares of the image's sides."""

    class_index: int
    edges: Edges


def read_yolo(
    folder: Path, source: Path, files: Sequence[Path], labels: Sequence[str], warn: Warn
) -> list[GroundTruthImage]:
    """The pictures in ``folder`` that the text ``files`` of the folder ``source`` annotate.

    Classes are named by ``classes.txt`` beside them; without one they are those of ``labels``
    in order, placeholders left out, which ``warn`` is told. An empty file is a picture without
    objects, a picture without a file is not annotated. Files that cannot be used, or whose
    picture is not there, are named and left out. Raises :class:`EvaluationError` where classes
    have no names.
    """
    there = ImageIndex(folder)
    if (source / CLASSES).is_file():
        names = [line.strip() for line in read_text(source / CLASSES).splitlines()]
    else:
        names = [label for label in labels if label not in PLACEHOLDERS]
        if not names:
            raise EvaluationError(f"{source}: no {CLASSES}, and the bundle names no class either")
        warn(
            f"{source}: no {CLASSES}, so class 0 is taken for {names[0]!r} and class "
            f"{len(names) - 1} for {names[-1]!r}, the bundle's labels in order"
        )

    def read_one(file: Path) -> GroundTruthImage | None:
        rows = parse_yolo(read_text(file, MAX_LABEL_BYTES))
        for row in rows:
            _check_row(row, len(names))
        name = there.find(file.stem)
        if name is None:
            return None
        try:
            height, width = read_image(folder / name).shape[:2]
        except SourceError as exc:
            raise EvaluationError(str(exc)) from exc
        boxes = tuple(_ground_truth(row, names, width, height) for row in rows)
        return GroundTruthImage(folder, name, boxes)

    return read_each(files, source, read_one, warn)


def _ground_truth(row: YoloRow, names: Sequence[str], width: int, height: int) -> GroundTruthBox:
    x_min, y_min, x_max, y_max = row.edges
    box_width, box_height = (x_max - x_min) * width, (y_max - y_min) * height
    label = names[row.class_index]
    area = box_width * box_height
    return GroundTruthBox(label, x_min * width, y_min * height, box_width, box_height, area)


def parse_yolo(text: str) -> list[YoloRow]:
    """The objects of one label file; of an outline (five numbers and more) its bounding box.

    Coordinates need not lie within the image. Raises :class:`EvaluationError` for what is no
    number, and for lines of another length.
    """
    lines = [line.split() for line in text.splitlines()]
    return [_parse_row(words, number) for number, words in enumerate(lines, 1) if words]


def _parse_row(words: Sequence[str], line: int) -> YoloRow:
    outline = len(words) >= 7 and len(words) % 2 == 1
    if len(words) != 5 and not outline:
        raise EvaluationError(
            f"line {line}: {len(words)} words, expected class, x_center, y_center, width, height"
        )
    try:
        class_index = int(words[0])
        values = [float(word) for word in words[1:]]
    except ValueError:
        raise EvaluationError(f"line {line}: not {len(words)} numbers") from None
    if not all(abs(value) < MAX_PIXELS for value in values):  # NaN fails too
        raise EvaluationError(f"line {line}: not {len(words)} numbers")
    if outline:
        xs, ys = values[::2], values[1::2]
        return YoloRow(class_index, (min(xs), min(ys), max(xs), max(ys)))
    x, y, width, height = values
    return YoloRow(class_index, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def _check_row(row: YoloRow, classes: int) -> None:
    """Raise :class:`EvaluationError` for a row that cannot be measured with."""
    if not 0 <= row.class_index < classes:
        raise EvaluationError(f"class {row.class_index}, but {classes} have names")
    x_min, y_min, x_max, y_max = row.edges
    sides = x_max - x_min, y_max - y_min
    centre = (x_min + x_max) / 2, (y_min + y_max) / 2
    if not all(0 <= value <= 1 + SLACK for value in (*sides, *centre)):
        raise EvaluationError("a box that is not within 0 to 1 of its image")
