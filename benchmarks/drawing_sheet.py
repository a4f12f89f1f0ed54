"""A contact sheet of drawings: liteberry's beside what others paint on the same pictures.

    python benchmarks/drawing_sheet.py BUNDLE PICTURES_DIR --out sheet.png

To be looked at: the pictures with the most findings, and three that are hard for their size (tiny,
a panorama, huge). The columns are liteberry, supervision with its smart positions where
`pip install supervision` was done, and the usual rules, which are Ultralytics' too as far as its
pictures show them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from device.bundle.bundle import Bundle  # noqa: E402
from device.drawing.annotate import draw  # noqa: E402
from device.drawing.palette import class_colour, ink_on  # noqa: E402
from device.drawing.parts import FINDINGS  # noqa: E402
from device.images import list_images, read_image  # noqa: E402
from device.inference.engine import Engine  # noqa: E402
from device.records import Detection, Frame, Pixels  # noqa: E402

CELL_WH = (480, 360)
BUSIEST = 9  # pictures, by their findings

Painter = Callable[[Pixels, Sequence[Detection]], Pixels]


def by_liteberry(image: Pixels, found: Sequence[Detection]) -> Pixels:
    """What `detect` paints on a picture."""
    drawn = image.copy()
    draw(drawn, found, parts=FINDINGS)
    return drawn


def by_usual_rules(image: Pixels, found: Sequence[Detection]) -> Pixels:
    """The same findings as most detectors' own tools paint them, Ultralytics' among them.

    From what such pictures look like: a line of 0.3 % of the mean side, text that grows with it, a
    label of the box's colour flush with the box's left side and on top of it, inside where there
    is no room above. Nothing keeps labels from each other.
    """
    drawn = image.copy()
    height, width = image.shape[:2]
    line = max(2, round(0.003 * (height + width) / 2))
    text_scale, stroke = line / 3, max(1, line - 1)
    for item in found:
        colour = class_colour(item.class_id)
        left, top, right, bottom = (round(side) for side in item.box)
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, line)
        text = f"{item.label} {item.score:.2f}"
        (text_width, text_height), _ = cv2.getTextSize(
            text, cv2.FONT_HERSHEY_SIMPLEX, text_scale, stroke
        )
        label_height = text_height + 2 * line
        label_top = top - label_height if top >= label_height else top
        label_end = left + text_width, label_top + label_height
        cv2.rectangle(drawn, (left, label_top), label_end, colour, cv2.FILLED)
        origin = left, label_top + text_height + line
        cv2.putText(
            drawn, text, origin, cv2.FONT_HERSHEY_SIMPLEX, text_scale, ink_on(colour), stroke
        )
    return drawn


def by_supervision(image: Pixels, found: Sequence[Detection]) -> Pixels:
    """The same findings by supervision, its labels moved apart."""
    import supervision as sv

    if not found:
        return image.copy()
    detections = sv.Detections(
        xyxy=np.array([item.box for item in found], np.float32),
        confidence=np.array([item.score for item in found], np.float32),
        class_id=np.array([item.class_id for item in found]),
    )
    height, width = image.shape[:2]
    drawn = sv.BoxAnnotator(
        thickness=sv.calculate_optimal_line_thickness((width, height))
    ).annotate(image.copy(), detections)
    annotator = sv.LabelAnnotator(
        text_scale=sv.calculate_optimal_text_scale((width, height)), smart_position=True
    )
    labels = [f"{item.label} {item.score:.2f}" for item in found]
    return np.asarray(annotator.annotate(drawn, detections, labels), np.uint8)


def choose(
    pictures: Sequence[Pixels], find: Callable[[Pixels], Sequence[Detection]]
) -> list[Pixels]:
    """The busiest pictures, and three hard ones made of the busiest."""
    busy = sorted(pictures, key=lambda image: len(find(image)), reverse=True)[:BUSIEST]
    first = busy[0]
    height, width = first.shape[:2]
    tiny = cv2.resize(busy[1], (64, 48), interpolation=cv2.INTER_AREA)
    panorama = np.hstack([cv2.resize(image, (640, 360)) for image in busy[:4]])
    huge = cv2.resize(first, (width * 4, height * 4), interpolation=cv2.INTER_CUBIC)
    return [*busy, *(np.ascontiguousarray(image, np.uint8) for image in (tiny, panorama, huge))]


def cell(image: Pixels) -> Pixels:
    """``image`` fitted into a cell of the sheet."""
    height, width = image.shape[:2]
    scale = min(CELL_WH[0] / width, CELL_WH[1] / height)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=way)
    ground = np.full((CELL_WH[1] + 8, CELL_WH[0] + 8, 3), 255, np.uint8)
    ground[4 : 4 + small.shape[0], 4 : 4 + small.shape[1]] = small
    return ground


def main(argv: list[str] | None = None) -> int:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sheet.png"))
    parser.add_argument("--threshold", type=float, default=0.4)
    args = parser.parse_args(argv)
    painters: list[Painter] = [by_liteberry]
    try:
        import supervision  # noqa: F401

        painters.append(by_supervision)
    except ImportError:
        print("supervision is not installed here: its column is left away")
    painters.append(by_usual_rules)
    paths = list_images(args.pictures)
    if not paths:
        parser.error(f"{args.pictures}: no pictures there")
    with Engine(Bundle(args.bundle), "int8", threshold=args.threshold) as engine:

        def find(image: Pixels) -> Sequence[Detection]:
            return engine.run(Frame(image, 0, 0.0)).detections

        chosen = choose([read_image(path) for path in paths[:120]], find)
        rows = [
            np.hstack([cell(paint(image, find(image))) for paint in painters]) for image in chosen
        ]
    for number, start in enumerate(range(0, len(rows), 4)):
        path = args.out.with_stem(f"{args.out.stem}-{number + 1}")
        cv2.imwrite(str(path), np.vstack(rows[start : start + 4]))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
