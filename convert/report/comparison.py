"""Comparisons: pictures on which a variant and float32 differ, drawn side by side."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from convert.evaluation.accuracy import Accuracy, SeenObject
from convert.reference import REFERENCE_VARIANT
from device.bundle.bundle import Bundle
from device.bundle.manifest import SampleDetection
from device.drawing.annotate import draw
from device.errors import SourceError
from device.images import read_image
from device.inference.boxes import MATCH_IOU, iou
from device.records import Classification, Detection, Pixels

SHOWN = 6  # pictures, two drawings each
LONGER_SIDE = 400  # pixels of a drawing
MOST_BYTES = 60_000  # of a drawing: twelve stay under a megabyte as base64
QUALITIES = (82, 65, 45, 25, 10)  # of JPEG, the first that is small enough

Seen = SeenObject | SampleDetection


@dataclass(frozen=True, slots=True)
class Drawing:
    """What one variant saw on a picture."""

    variant: str
    data_uri: str
    width: int
    height: int
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """float32 beside the variant that differs most from it on this picture."""

    title: str
    credit: str
    base: Drawing
    other: Drawing
    only_base: tuple[Seen, ...]
    only_other: tuple[Seen, ...]


def unmatched(found: Sequence[Seen], truth: Sequence[Seen]) -> tuple[Seen, ...]:
    """Those of ``found`` without a partner in ``truth``.

    Partners have the same label and, where they have boxes, an IoU of at least 0.5; the best
    scores choose first. Of classes of a picture only the first counts.
    """
    if any(item.box is None for item in (*found, *truth)):
        first, other = ([item.label for item in items[:1]] for items in (found, truth))
        return () if first == other else tuple(found[:1])
    free = list(truth)
    left = []
    for item in sorted(found, key=lambda item: -item.score):
        same = [other for other in free if other.label == item.label]
        best = max(same, key=lambda other: _iou(item, other), default=None)
        if best is not None and _iou(item, best) >= MATCH_IOU:
            free.remove(best)
        else:
            left.append(item)
    return tuple(left)


def _iou(one: Seen, other: Seen) -> float:
    assert one.box is not None, "asked only of what has a box"
    assert other.box is not None, "asked only of what has a box"
    return iou(one.box, other.box)


def _detection(item: Seen, class_id: int, scale: float) -> Detection:
    assert item.box is not None, "asked only of what has a box"
    x_min, y_min, x_max, y_max = (side * scale for side in item.box)
    return Detection(class_id, item.label, item.score, x_min, y_min, x_max, y_max)


def encode(image: Pixels) -> str:
    """``picture`` as a JPEG in a data URI, of at most 60 kB before base64 where that can be."""
    data = b""
    for quality in QUALITIES:
        ok, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert ok, "OpenCV encodes any 8-bit picture"
        data = buffer.tobytes()
        if len(data) <= MOST_BYTES:
            break
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def draw_seen(
    pixels: Pixels, variant: str, seen: Sequence[Seen], class_ids: Mapping[str, int]
) -> Drawing:
    """Draw what ``variant`` saw on a small copy of ``pixels``."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGER_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    ids = [class_ids.get(item.label, 0) for item in seen]
    boxes = [
        _detection(item, number, scale)
        for item, number in zip(seen, ids, strict=True)
        if item.box is not None
    ]
    classes = [
        Classification(number, item.label, item.score)
        for item, number in zip(seen, ids, strict=True)
        if item.box is None
    ]
    draw(small, boxes, classes=classes)
    return Drawing(variant, encode(small), *size, tuple(seen))


def compare(
    pixels: Pixels,
    title: str,
    credit: str,
    seen: Mapping[str, Sequence[Seen]],
    class_ids: Mapping[str, int],
) -> Comparison | None:
    """float32 beside the variant that differs most, None where either is missing."""
    base = seen.get(REFERENCE_VARIANT)
    others = [name for name in seen if name != REFERENCE_VARIANT]
    if base is None or not others:
        return None
    worst = max(others, key=lambda name: _difference(seen[name], base))
    return Comparison(
        title,
        credit,
        draw_seen(pixels, REFERENCE_VARIANT, base, class_ids),
        draw_seen(pixels, worst, seen[worst], class_ids),
        unmatched(base, seen[worst]),
        unmatched(seen[worst], base),
    )


def _difference(one: Sequence[Seen], other: Sequence[Seen]) -> tuple[int, float]:
    """Findings without a partner; of equals, how far the best scores lie apart."""
    count = len(unmatched(one, other)) + len(unmatched(other, one))
    best = [max((item.score for item in items), default=0.0) for items in (one, other)]
    return count, abs(best[0] - best[1])


def compare_images(
    bundle: Bundle, accuracy: Accuracy | None
) -> tuple[tuple[Comparison, ...], bool]:
    """At most six comparisons, and whether they come from the measurement.

    Pictures of the measurement that cannot be read any more are left out; where none is left,
    the bundle's own samples are shown, those on which variants differ most first. Raises
    ``BundleError`` and ``SourceError`` for a sample that is damaged.
    """
    class_ids = {label: number for number, label in enumerate(bundle.labels)}
    variants = bundle.manifest.variants
    if accuracy is not None:
        found = _first(
            compare(
                pixels,
                Path(item.file).name,
                "",
                {name: seen for name, seen in item.variants.items() if name in variants},
                class_ids,
            )
            for item in accuracy.disagreements
            if (pixels := _read(Path(item.folder) / item.file)) is not None
        )
        if found:
            return found, True
    drawn = (
        compare(
            read_image(bundle.file(sample.file)),
            sample.title,
            f"{sample.source}; {sample.licence}",
            sample.detections,
            class_ids,
        )
        for sample in bundle.manifest.samples
    )
    known = [item for item in drawn if item is not None]
    known.sort(key=lambda item: _difference(item.other.seen, item.base.seen), reverse=True)
    return tuple(known[:SHOWN]), False


def _first(items: Iterable[Comparison | None]) -> tuple[Comparison, ...]:
    found: list[Comparison] = []
    for item in items:
        if item is not None:
            found.append(item)
        if len(found) == SHOWN:
            break
    return tuple(found)


def _read(path: Path) -> Pixels | None:
    try:
        return read_image(path)
    except SourceError:
        return None
