"""Prelabelling: a network's detections written as label files, to be corrected by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from convert.annotations.label_formats import LABEL_SUFFIXES
from convert.annotations.write import (
    CLASSES_FILE,
    COCO_FILE,
    ImageAnnotation,
    coco_json,
    write_beside,
)
from convert.errors import DatasetError
from convert.training.yolo_labels import read_names
from device.errors import SourceError
from device.images import list_images, read_image
from device.inference.engine import Engine
from device.records import Frame
from device.system.atomic_file import write_whole


@dataclass(slots=True)
class PrelabelResult:
    """The result of prelabelling: what became of the images of a folder."""

    annotated: list[ImageAnnotation] = field(default_factory=list)
    labelled_before: int = 0  # their label files are left as they are
    unreadable: list[str] = field(default_factory=list)

    @property
    def boxes(self) -> int:
        """All that were written."""
        return sum(len(image.detections) for image in self.annotated)


def prelabel(engine: Engine, folder: Path, kind: str, classes: Sequence[str]) -> PrelabelResult:
    """Label the images below ``folder`` with what ``engine`` finds of ``classes``.

    ``kind`` is one of :data:`.label_formats.WRITTEN_FORMATS`; what was labelled before keeps its
    labels. Raises :class:`DatasetError` for a folder without images, or with a COCO file
    already.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected one of pictures")
    images = list_images(folder)
    if not images:
        raise DatasetError(f"{folder}: no pictures in this folder")
    table = folder / COCO_FILE
    if kind == "coco" and table.exists():
        raise DatasetError(f"{table} is there already: move it away, or choose another format")
    names = folder / CLASSES_FILE
    numbered = _numbered(names, classes) if kind == "yolo" and names.exists() else classes
    result = PrelabelResult()
    for number, path in enumerate(tqdm(images, desc="pictures", leave=False, disable=None)):
        if kind != "coco" and path.with_suffix(LABEL_SUFFIXES[kind]).exists():
            result.labelled_before += 1
            continue
        try:
            pixels = read_image(path)
        except SourceError as exc:
            result.unreadable.append(str(exc))
            continue
        found = engine.run(Frame(pixels, number, 0.0)).detections
        height, width = pixels.shape[:2]
        kept = tuple(item for item in found if item.label in classes)
        image = ImageAnnotation(path, width, height, kept)
        result.annotated.append(image)
        if kind != "coco":
            write_beside(image, kind, numbered)
    if kind == "coco":
        write_whole(table, coco_json(result.annotated, classes, folder))
    elif kind == "yolo" and result.annotated and not names.exists():
        write_whole(names, "".join(f"{name}\n" for name in classes).encode())
    return result


def _numbered(names: Path, classes: Sequence[str]) -> list[str]:
    """All classes in the order in which the labels that are there number them.

    Raises :class:`DatasetError` where ``classes`` has one without a number.
    """
    known = read_names(names)
    if unknown := [name for name in classes if name not in known]:
        raise DatasetError(
            f"{names}: it does not name {', '.join(unknown[:8])}; add a line for each at its end, "
            "or label fewer with --classes"
        )
    return known
