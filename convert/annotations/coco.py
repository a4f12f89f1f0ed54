"""Annotations in COCO's format: one JSON file for all pictures of a folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import msgspec

from convert.annotations.ground_truth import (
    GroundTruthBox,
    GroundTruthImage,
    Warn,
    is_file,
    read_bytes,
    warn_of,
)
from convert.errors import EvaluationError


class CocoImage(msgspec.Struct, gc=False):
    """One image; its size is as it was labelled."""

    id: int
    file_name: str
    width: float | None = None
    height: float | None = None


class CocoCategory(msgspec.Struct, gc=False):
    """One class; its id need be neither consecutive nor the same in another file."""

    id: int
    name: str


class CocoAnnotation(msgspec.Struct, gc=False):
    """One object."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height in pixels
    area: float | None = None  # pixels; tools that know no outlines leave it out
    iscrowd: int = 0


class CocoFile(msgspec.Struct):
    """What of a COCO file matters for boxes."""

    images: list[CocoImage]
    categories: list[CocoCategory]
    annotations: list[CocoAnnotation]


def read_coco(folder: Path, path: Path, warn: Warn) -> list[GroundTruthImage]:
    """The pictures in ``folder`` that the JSON file at ``path`` annotates.

    Pictures that are not there, and boxes without a category or of negative size, are counted,
    named and left out.
    Raises :class:`EvaluationError` for another format and for two pictures of one id.
    """
    coco = parse_coco(path)
    names = {category.id: category.name for category in coco.categories}
    boxes: defaultdict[int, list[GroundTruthBox]] = defaultdict(list)
    nameless, inverted = [], []
    for item in coco.annotations:
        if item.category_id not in names:
            nameless.append(str(item.category_id))
            continue
        if min(item.bbox[2:]) < 0:
            inverted.append(str(list(item.bbox)))
            continue
        area = item.bbox[2] * item.bbox[3] if item.area is None else item.area
        box = GroundTruthBox(names[item.category_id], *item.bbox, area, bool(item.iscrowd))
        boxes[item.image_id].append(box)
    images, missing = [], []
    for image in coco.images:
        if is_file(folder / image.file_name):
            images.append(GroundTruthImage(folder, image.file_name, tuple(boxes[image.id])))
        else:
            missing.append(image.file_name)
    warn_of(missing, f"{path}: pictures that are not in {folder}", warn)
    warn_of(nameless, f"{path}: boxes whose category id is not in its list", warn)
    warn_of(inverted, f"{path}: boxes of negative width or height", warn)
    return images


def parse_coco(path: Path) -> CocoFile:
    """The file at ``path``, in which no two images share an id.

    Raises :class:`EvaluationError` for another format and for two images of one id.
    """
    try:
        coco = msgspec.json.decode(read_bytes(path), type=CocoFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EvaluationError(f"{path}: not annotations in COCO's format ({exc})") from exc
    for number, count in Counter(image.id for image in coco.images).items():
        if count > 1:
            raise EvaluationError(f"{path}: {count} pictures have the id {number}")
    return coco
