"""Annotations as YOLO's trainers read them: one text file per picture, a line per object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convert.annotations.ground_truth import (
    GroundTruthBox,
    GroundTruthImage,
    ImageIndex,
    Warn,
    read_each,
    read_text,
)
from convert.errors import EvaluationError
from device.errors import SourceError
from device.images import read_image

CLASSES = "classes.txt"  # names of the classes, one per line, where LabelImg writes them
PLACEHOLDERS = ("", "???", "background")  # lines of a label file that are no class
SLACK = 0.01  # of a side: boxes at the rim reach over it by rounding


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
        lines = [line.split() for line in read_text(file).splitlines()]
        rows = [_read_row(words, number, names) for number, words in enumerate(lines, 1) if words]
        name = there.find(file.stem)
        if name is None:
            return None
        try:
            height, width = read_image(folder / name).shape[:2]
        except SourceError as exc:
            raise EvaluationError(str(exc)) from exc
        boxes = tuple(
            GroundTruthBox(
                label,
                (x - w / 2) * width,
                (y - h / 2) * height,
                w * width,
                h * height,
                w * width * h * height,
            )
            for label, x, y, w, h in rows
        )
        return GroundTruthImage(folder, name, boxes)

    return read_each(files, source, read_one, warn)


def _read_row(
    words: Sequence[str], line: int, names: Sequence[str]
) -> tuple[str, float, float, float, float]:
    """Label, centre x, centre y, width and height, 0..1 of the picture."""
    if len(words) != 5:
        raise EvaluationError(
            f"line {line}: {len(words)} words, expected class, x_center, y_center, width, height"
        )
    try:
        class_index = int(words[0])
        x, y, width, height = map(float, words[1:])
    except ValueError:
        raise EvaluationError(f"line {line}: not five numbers") from None
    if not 0 <= class_index < len(names):
        raise EvaluationError(f"line {line}: class {class_index}, but {len(names)} have names")
    if not all(0 <= value <= 1 + SLACK for value in (x, y, width, height)):
        raise EvaluationError(f"line {line}: a box that is not within 0 to 1 of its picture")
    return names[class_index], x, y, width, height
