"""Class tables: which class each picture shows, the truth that a classifier is measured with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.annotations.ground_truth import Warn, is_file, read_text, warn_of
from convert.annotations.read import recognise
from convert.errors import EvaluationError
from device.images import list_images

BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One picture and the class id, as the bundle counts them, of what it shows."""

    folder: Path
    file: str
    class_id: int

    @property
    def path(self) -> Path:
        """Where the picture is."""
        return self.folder / self.file


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    class_index: int
    name: str


def read_class_labels(
    sets: Sequence[tuple[Path, Path]], labels: Sequence[str], warn: Warn
) -> list[LabelledImage]:
    """Read pairs of (folder of pictures, table of their classes) and pool them.

    The same folder twice is one with a folder for each class, called as the bundle calls it. A
    table has the columns file, class index, wnid and name, separated by tabs, with or without
    a row of headings; the last two may be missing. Class indices count without a background
    class; where the bundle has one they are moved by one, if that is where the names agree with
    ``labels``, the bundle's. Rows that cannot be used are named and left out. Raises
    :class:`EvaluationError` for another format, for names that are not the bundle's, and where
    no picture is left.
    """
    images: list[LabelledImage] = []
    for folder, path in sets:
        if path.is_dir() and path.resolve() == folder.resolve():
            images += _class_folders(folder, labels, warn)
            continue
        if recognise(path) != "classes":
            raise EvaluationError(
                f"{path}: has boxes, but a classifier is measured with a table of file and class"
            )
        rows, unusable = _read_rows(path)
        offset = _offset(rows, labels, path)
        missing = []
        for row in rows:
            class_id = row.class_index + offset
            if not 0 <= class_id < len(labels):
                unusable.append(f"{row.file} (class {row.class_index} of {len(labels)})")
            elif is_file(folder / row.file):
                images.append(LabelledImage(folder, row.file, class_id))
            else:
                missing.append(row.file)
        warn_of(unusable, f"{path}: left out, for they cannot be used", warn)
        warn_of(missing, f"{path}: pictures that are not in {folder}", warn)
    if not images:
        raise EvaluationError("none of the labelled pictures is there: check --images")
    return images


def _class_folders(folder: Path, labels: Sequence[str], warn: Warn) -> list[LabelledImage]:
    """The pictures of a folder whose own folders are called as the classes."""
    numbers = {name.casefold(): number for number, name in enumerate(labels)}
    images, unknown = [], []
    for path in list_images(folder):
        file = path.relative_to(folder)
        number = numbers.get(file.parent.name.casefold())
        if number is None:
            unknown.append(str(file.parent))
        else:
            images.append(LabelledImage(folder, str(file), number))
    warn_of(list(dict.fromkeys(unknown)), f"{folder}: folders of no class of the bundle", warn)
    return images


def _read_rows(path: Path) -> tuple[list[_Row], list[str]]:
    """The usable rows of a table, and what is wrong with the others."""
    rows: dict[str, _Row] = {}
    unusable = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        file, *rest = (word.strip() for word in line.split("\t"))
        try:
            row = _Row(file, int(rest[0]), rest[2] if len(rest) > 2 else "")
        except (ValueError, IndexError):
            if number > 1:  # the first may be the headings
                unusable.append(f"line {number} (no class index)")
            continue
        if not file:
            unusable.append(f"line {number} (no file)")
        elif file in rows:
            unusable.append(f"line {number} ({file} again)")
        else:
            rows[file] = row
    return list(rows.values()), unusable


def _offset(rows: Sequence[_Row], labels: Sequence[str], path: Path) -> int:
    """What to add to the table's class indices to have the bundle's class ids: 0 or 1."""
    has_background = bool(labels) and labels[0].lower() == BACKGROUND
    named = [row for row in rows if row.name]
    if not named:
        return int(has_background)
    agreeing = [
        sum(_agree(row.name, labels, row.class_index + offset) for row in named)
        for offset in (0, 1)
    ]
    if not any(agreeing):
        raise EvaluationError(
            f"{path}: class {named[0].class_index} is {named[0].name!r} there, and not one name "
            "is the bundle's for that class"
        )
    return int(agreeing[1] > agreeing[0])


def _agree(name: str, labels: Sequence[str], class_id: int) -> bool:
    """Whether ``name`` is one of the names in a label such as ``tench, Tinca tinca``."""
    if not 0 <= class_id < len(labels):
        return False
    names = {part.strip().casefold() for part in labels[class_id].replace("_", " ").split(",")}
    return bool(names & {part.strip().casefold() for part in name.replace("_", " ").split(",")})
