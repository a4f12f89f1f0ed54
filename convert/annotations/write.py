"""Annotation files written: detections as labels that people correct instead of drawing them.

Each format is written as its own tools read it: Pascal VOC as LabelImg does, YOLO text with
``classes.txt``, COCO JSON as CVAT and Label Studio import it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from convert.annotations.label_formats import LABEL_SUFFIXES
from device.records import Detection
from device.system.atomic_file import write_whole

COCO_FILE = "annotations.json"
CLASSES_FILE = "classes.txt"


@dataclass(frozen=True, slots=True)
class ImageAnnotation:
    """What was found on one image; boxes are pixels of the upright image."""

    path: Path
    width: int
    height: int
    detections: tuple[Detection, ...]


def voc_xml(image: ImageAnnotation) -> bytes:
    """Pascal VOC's XML for one image, as LabelImg writes it."""
    root = ElementTree.Element("annotation")
    _text(root, "folder", image.path.parent.name)
    _text(root, "filename", image.path.name)
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        _text(size, name, str(value))
    _text(root, "segmented", "0")
    for found in image.detections:
        item = ElementTree.SubElement(root, "object")
        for name, said in (("name", found.label), ("pose", "Unspecified"), ("truncated", "0"),
                           ("difficult", "0")):  # fmt: skip
            _text(item, name, said)
        box = ElementTree.SubElement(item, "bndbox")
        for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), _cut(found, image), strict=True):
            _text(box, name, str(round(edge)))
    ElementTree.indent(root, "\t")
    text: bytes = ElementTree.tostring(root, encoding="utf-8")
    return text + b"\n"


def yolo_text(image: ImageAnnotation, classes: Sequence[str]) -> bytes:
    """YOLO's lines for one image: class, centre and size as shares of the image's sides."""
    numbers = {name: number for number, name in enumerate(classes)}
    lines = []
    for found in image.detections:
        x_min, y_min, x_max, y_max = _cut(found, image)
        shares = (
            (x_min + x_max) / 2 / image.width,
            (y_min + y_max) / 2 / image.height,
            (x_max - x_min) / image.width,
            (y_max - y_min) / image.height,
        )
        lines.append(f"{numbers[found.label]} " + " ".join(f"{share:.6f}" for share in shares))
    return "".join(f"{line}\n" for line in lines).encode()


def coco_json(images: Sequence[ImageAnnotation], classes: Sequence[str], root: Path) -> bytes:
    """COCO's JSON for all images, which are named relative to ``root``."""
    numbers = {name: number for number, name in enumerate(classes, 1)}
    annotations: list[dict[str, object]] = []
    for image_id, image in enumerate(images, 1):
        for found in image.detections:
            x_min, y_min, x_max, y_max = (round(edge, 2) for edge in _cut(found, image))
            width, height = round(x_max - x_min, 2), round(y_max - y_min, 2)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": numbers[found.label],
                    "bbox": [x_min, y_min, width, height],
                    "area": round(width * height, 2),
                    "iscrowd": 0,
                    "score": round(found.score, 4),
                }
            )
    table = {
        "info": {"description": "detections, to be corrected", "date_created": _now()},
        "images": [
            {
                "id": number,
                "file_name": image.path.relative_to(root).as_posix(),
                "width": image.width,
                "height": image.height,
            }
            for number, image in enumerate(images, 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": annotations,
    }
    return msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n"


def write_beside(image: ImageAnnotation, kind: str, classes: Sequence[str]) -> Path:
    """Write the label file of one image beside it, whole. Raises ``SinkError``."""
    path = image.path.with_suffix(LABEL_SUFFIXES[kind])
    write_whole(path, voc_xml(image) if kind == "voc" else yolo_text(image, classes))
    return path


def _cut(found: Detection, image: ImageAnnotation) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = found.box
    return (
        min(max(x_min, 0.0), image.width),
        min(max(y_min, 0.0), image.height),
        min(max(x_max, 0.0), image.width),
        min(max(y_max, 0.0), image.height),
    )


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
