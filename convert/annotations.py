"""Annotated pictures, read from COCO's format and pooled into one set."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pycocotools.coco import COCO

from convert.errors import EvaluationError


class _Image(msgspec.Struct):
    id: int
    file_name: str


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height in pixels
    area: float
    iscrowd: int = 0


class _CocoFile(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


@dataclass(frozen=True)
class AnnotatedSet:
    """Pictures by image id, the category id of each label, and the truth for pycocotools."""

    pictures: dict[int, Path]
    category_ids: dict[str, int]
    truth: COCO


def read_annotations(
    sets: Sequence[tuple[Path, Path]], warn: Callable[[str], None]
) -> AnnotatedSet:
    """Read pairs of (folder of pictures, COCO JSON) and pool them.

    Pictures that are listed but not there are counted and left out. Raises
    :class:`EvaluationError` for annotations that cannot be read, that name categories
    differently between sets, or where no picture is left.
    """
    pictures: dict[int, Path] = {}
    names: dict[int, str] = {}
    annotations: list[dict[str, Any]] = []
    for folder, path in sets:
        coco = _read(path)
        for category in coco.categories:
            if names.setdefault(category.id, category.name) != category.name:
                raise EvaluationError(
                    f"{path}: category {category.id} is {category.name!r} here and "
                    f"{names[category.id]!r} in another set: they cannot be pooled"
                )
        # Ids are only unique within a file: number the pictures anew.
        new_ids: dict[int, int] = {}
        missing = []
        for image in coco.images:
            picture = folder / image.file_name
            if not picture.is_file():
                missing.append(image.file_name)
                continue
            new_ids[image.id] = len(pictures) + 1
            pictures[len(pictures) + 1] = picture
        if missing:
            warn(f"{path}: {len(missing)} pictures are not in {folder}, such as {missing[0]}")
        annotations += [
            {
                "id": len(annotations) + number,
                "image_id": new_ids[item.image_id],
                "category_id": item.category_id,
                "bbox": list(item.bbox),
                "area": item.area,
                "iscrowd": item.iscrowd,
            }
            for number, item in enumerate(coco.annotations, start=1)
            if item.image_id in new_ids
        ]
    if not pictures:
        raise EvaluationError("none of the annotated pictures is there: check --images")
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": number} for number in pictures],
        "categories": [{"id": number, "name": name} for number, name in names.items()],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress
        truth.createIndex()
    return AnnotatedSet(pictures, {name: number for number, name in names.items()}, truth)


def _read(path: Path) -> _CocoFile:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_CocoFile)
    except OSError as exc:
        raise EvaluationError(f"{path}: {exc.strerror}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise EvaluationError(f"{path}: not annotations in COCO's format ({exc})") from exc
