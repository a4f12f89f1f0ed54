"""The reader of annotations: pictures in whichever format they come, pooled into one set."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pycocotools.coco import COCO

from convert.annotations.coco import read_coco
from convert.annotations.ground_truth import GroundTruthImage, Warn
from convert.annotations.voc import read_voc
from convert.annotations.yolo import CLASSES, PLACEHOLDERS, read_yolo
from convert.errors import EvaluationError

AnnotationFormat = Literal["coco", "voc", "yolo", "classes"]

_EXPECTED = (
    "expected COCO's JSON, a folder of Pascal VOC's XML or of YOLO's text files, or for a "
    "classifier a table of file, class index, wnid and name separated by tabs"
)


@dataclass(frozen=True)
class AnnotatedSet:
    """Pictures by image id, the category id of each label, and the truth for pycocotools.

    Category ids are the class ids of the bundle. Only labels of which there is a box are
    listed: COCO's figure says nothing of the others.
    """

    images: dict[int, GroundTruthImage]
    category_ids: dict[str, int]
    truth: COCO


def recognise(path: Path) -> AnnotationFormat:
    """In which format ``path`` is, by what it holds.

    Raises :class:`EvaluationError` for what is missing, empty or in none of the formats.
    """
    if path.is_dir():
        endings = {file.suffix.lower() for file in _files(path)} & {".xml", ".txt"}
        if len(endings) == 2:
            raise EvaluationError(f"{path}: holds both .xml and .txt: give a folder with one kind")
        if not endings:
            raise EvaluationError(f"{path}: no annotations in this folder; {_EXPECTED}")
        return "voc" if endings == {".xml"} else "yolo"
    try:
        with path.open("rb") as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise EvaluationError(f"{path}: {reason}") from exc
    if start[:1] in (b"{", b"["):
        return "coco"
    if start[:1] == b"<":
        raise EvaluationError(f"{path}: XML of one picture: give the folder it is in")
    if b"\t" in start.partition(b"\n")[0]:
        return "classes"
    raise EvaluationError(f"{path}: {'empty' if not start else 'not annotations'}; {_EXPECTED}")


def read_annotations(
    sets: Sequence[tuple[Path, Path]], labels: Sequence[str], warn: Warn
) -> AnnotatedSet:
    """Read pairs of (folder of pictures, annotations of their objects) and pool them.

    ``labels`` are the bundle's, by class id; boxes of other categories are counted, named and
    left out, as are pictures that are not there and files that cannot be used. Raises
    :class:`EvaluationError` for annotations in no known format, and where no picture or no box
    is left.
    """
    images: list[GroundTruthImage] = []
    for folder, path in sets:
        images += _read(folder, path, labels, warn)
    if not images:
        raise EvaluationError("none of the annotated pictures is there: check --images")
    counts = Counter(box.label for image in images for box in image.boxes)
    unknown = [label for label in counts if label not in labels or label in PLACEHOLDERS]
    if unknown:
        boxes = sum(counts.pop(label) for label in unknown)
        warn(f"left out: {boxes} boxes of what the bundle has no label for: {', '.join(unknown)}")
    if not counts:
        raise EvaluationError(
            "the annotations and the bundle have not one label in common"
            if unknown
            else "the annotations hold not one box"
        )
    return annotated_set(images, [label for label in labels if label in counts], labels)


def annotated_set(
    images: Sequence[GroundTruthImage], counted: Sequence[str], labels: Sequence[str]
) -> AnnotatedSet:
    """``images`` as one set whose figures are about the labels ``counted``, some of ``labels``."""
    category_ids = {label: labels.index(label) for label in counted}
    numbered = dict(enumerate(images, start=1))  # ids of files are not unique when pooled
    return AnnotatedSet(numbered, category_ids, _as_coco(numbered, category_ids))


def _files(folder: Path) -> list[Path]:
    """Files in ``folder`` that may annotate a picture, by name."""
    try:
        return sorted(file for file in folder.iterdir() if file.name != CLASSES)
    except OSError as exc:
        raise EvaluationError(f"{folder}: {exc.strerror}") from exc


def _read(folder: Path, path: Path, labels: Sequence[str], warn: Warn) -> list[GroundTruthImage]:
    if not folder.is_dir():
        raise EvaluationError(f"--images {folder}: no such folder")
    kind = recognise(path)
    if kind == "coco":
        return read_coco(folder, path, warn)
    if kind == "classes":
        raise EvaluationError(f"{path}: has classes, but a detector is measured with boxes")
    ending = ".xml" if kind == "voc" else ".txt"
    files = [file for file in _files(path) if file.suffix.lower() == ending]
    if kind == "voc":
        return read_voc(folder, path, files, warn)
    return read_yolo(folder, path, files, labels, warn)


def _as_coco(images: dict[int, GroundTruthImage], category_ids: dict[str, int]) -> COCO:
    boxes = (
        (image_id, box)
        for image_id, image in images.items()
        for box in image.boxes
        if box.label in category_ids
    )
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": image_id} for image_id in images],
        "categories": [{"id": number, "name": label} for label, number in category_ids.items()],
        "annotations": [
            {
                "id": number,  # from 1: pycocotools takes 0 for "not matched"
                "image_id": image_id,
                "category_id": category_ids[box.label],
                "bbox": [box.x, box.y, box.width, box.height],
                "area": box.area,
                # The only mark that pycocotools heeds on boxes to be ignored.
                "iscrowd": int(box.ignored),
            }
            for number, (image_id, box) in enumerate(boxes, start=1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress
        truth.createIndex()
    return truth
