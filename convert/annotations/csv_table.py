"""Annotations as TensorFlow's Object Detection API tutorials write them: a CSV row per object."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.annotations.ground_truth import read_text
from convert.annotations.labels import MAX_PIXELS, BoxLabel, ImageLabels, image_size
from convert.errors import EvaluationError

COLUMNS = ("filename", "class", "xmin", "ymin", "xmax", "ymax")  # width and height may be missing
MAX_CELL = 4096  # characters


@dataclass(frozen=True, slots=True)
class CsvLabels:
    """The images of a table in its order, and what is wrong with rows that cannot be used."""

    images: tuple[ImageLabels, ...]
    unusable: tuple[str, ...]


def is_csv_table(path: Path) -> bool:
    """Whether the first line of ``path`` names the columns of such a table."""
    try:
        with path.open("rb") as file:
            head = file.readline(MAX_CELL).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    except OSError:
        return False
    names = {name.strip().strip('"').lower() for name in head.split(",")}
    return names >= set(COLUMNS)


def read_csv_table(path: Path) -> CsvLabels:
    """The objects of all images that the table at ``path`` lists, in pixels.

    Columns are known by their headings, in any order. Raises :class:`EvaluationError` for a
    file that cannot be read or lacks a column.
    """
    return parse_csv_table(read_text(path), str(path))


def parse_csv_table(text: str, source: str) -> CsvLabels:
    """As :func:`read_csv_table`, of the ``text`` of a file that messages call ``source``."""
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    boxes: dict[str, list[BoxLabel]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    unusable = []
    try:
        headings = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS if name not in headings]
        if missing:
            raise EvaluationError(
                f"{source}: no column {missing[0]!r}; expected filename, width, height, class, "
                "xmin, ymin, xmax, ymax"
            )
        reader.fieldnames = headings
        for row in reader:
            try:
                name, box = _parse_row(row)
            except ValueError as exc:
                unusable.append(f"line {reader.line_num} ({exc})")
                continue
            boxes.setdefault(name, []).append(box)
            sizes.setdefault(name, image_size(row.get("width"), row.get("height")))
    except csv.Error as exc:
        raise EvaluationError(f"{source}: not a CSV table: line {reader.line_num}: {exc}") from exc
    images = tuple(ImageLabels(name, tuple(found), sizes[name]) for name, found in boxes.items())
    return CsvLabels(images, tuple(unusable))


def _parse_row(row: Mapping[str, str | None]) -> tuple[str, BoxLabel]:
    """File name and object of one row. Raises ValueError."""
    name, label = ((row[key] or "").strip() for key in ("filename", "class"))
    if not name or not label:
        raise ValueError("no file name" if not name else "no class")
    x_min, y_min, x_max, y_max = (
        _pixels(row[edge], edge) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return name, BoxLabel(label, (x_min, y_min, x_max, y_max))


def _pixels(text: str | None, column: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not abs(value) < MAX_PIXELS:  # NaN fails too
        raise ValueError(f"{column} is {(text or '')[:40]!r}, expected pixels")
    return value
