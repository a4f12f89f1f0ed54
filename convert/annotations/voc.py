"""Annotations in Pascal VOC's format, as LabelImg writes it: one XML file per picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from convert.annotations.ground_truth import (
    MAX_LABEL_BYTES,
    GroundTruthBox,
    GroundTruthImage,
    ImageIndex,
    Warn,
    read_bytes,
    read_each,
)
from convert.annotations.labels import MAX_PIXELS, BoxLabel, ImageLabels, image_size
from convert.errors import EvaluationError


def read_voc(
    folder: Path, source: Path, files: Sequence[Path], warn: Warn
) -> list[GroundTruthImage]:
    """The pictures in ``folder`` that the XML ``files`` of the folder ``source`` annotate.

    A picture has the name of its XML file, or else the one written in ``filename``. Files that
    cannot be used, or whose picture is not there, are named and left out.
    """
    there = ImageIndex(folder)

    def read_one(file: Path) -> GroundTruthImage | None:
        labels = parse_voc(read_bytes(file, MAX_LABEL_BYTES))
        name = there.find(file.stem, labels.image)
        boxes = tuple(_ground_truth(box) for box in labels.boxes)
        return None if name is None else GroundTruthImage(folder, name, boxes)

    return read_each(files, source, read_one, warn)


def parse_voc(data: bytes) -> ImageLabels:
    """What an XML file says of its image. Raises :class:`EvaluationError`.

    Edges are taken as LabelImg writes them, positions between pixels, so that the width is
    ``xmax - xmin``; in VOC's own files, which count pixels from 1, that is a pixel less.
    """
    root = _parse(data)
    if root.tag != "annotation":
        raise EvaluationError(f"<{root.tag[:40]}> where <annotation> was expected")
    written = (root.findtext("filename") or "").strip().replace("\\", "/")
    boxes = tuple(_parse_object(item) for item in root.findall("object"))
    size = image_size(root.findtext("size/width"), root.findtext("size/height"))
    return ImageLabels(written.rpartition("/")[2], boxes, size)


def _parse_object(item: Element) -> BoxLabel:
    """One ``<object>``; its ``difficult`` flag makes it one that need not be found."""
    name = (item.findtext("name") or "").strip()
    if not name:
        raise EvaluationError("an object without a name")
    x_min, y_min, x_max, y_max = (
        _number(item, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    difficult = (item.findtext("difficult") or "0").strip() not in ("", "0")
    return BoxLabel(name, (x_min, y_min, x_max, y_max), difficult)


def _ground_truth(box: BoxLabel) -> GroundTruthBox:
    """A box to measure with.

    COCO has no ``difficult`` flag but for crowds, so that is what it becomes: any number of
    detections that lie mostly inside it are neither right nor wrong.
    """
    x_min, y_min, x_max, y_max = box.edges
    width, height = x_max - x_min, y_max - y_min
    if width < 0 or height < 0:
        raise EvaluationError(f"a box of {box.label} whose edges are the wrong way round")
    return GroundTruthBox(box.label, x_min, y_min, width, height, width * height, box.ignored)


def _number(item: Element, path: str) -> float:
    text = item.findtext(path) or ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < MAX_PIXELS:  # NaN fails too
        raise EvaluationError(f"{path} is {text[:40]!r}, expected pixels")
    return value


def _parse(data: bytes) -> Element:
    """The document's root. A document type is refused: entities can be made to fill memory.

    Raises :class:`EvaluationError` for what is not well-formed XML.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise EvaluationError("declares a document type, which annotations have no need of")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        root = builder.close()
    except EvaluationError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as exc:
        raise EvaluationError(f"not XML: {exc}") from exc
    assert isinstance(root, Element), "expat accepts no document without a root"
    return root
