"""Drawing: boxes, labels and a status line on an image, readable at any size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import cv2
import numpy as np

from device.records import Classification, Detection, Pixels

Colour = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_SIMPLEX
REFERENCE_WIDTH = 640  # pixels wide at which text has OpenCV's size 0.55
GOLDEN_ANGLE = 137.508  # degrees: consecutive classes get hues far apart
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


@cache
def class_colour(class_id: int) -> Colour:
    """A vivid colour (blue, green, red) that a class always has."""
    hue = (class_id * GOLDEN_ANGLE) % 360 / 2
    # Neighbouring hues come 13 classes apart: three tones tell these apart too.
    saturation, value = ((200, 240), (120, 255), (255, 170))[class_id % 3]
    pixel = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
    return int(pixel[0]), int(pixel[1]), int(pixel[2])


def _text_colour(background: Colour) -> Colour:
    blue, green, red = background
    return BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > 120 else WHITE  # ITU-R BT.601


@lru_cache(maxsize=256)  # on a video the same few come back on every frame
def _text_box(text: str, scale: float, colour: Colour) -> Pixels:
    """``text`` on a box of ``colour``."""
    thickness = max(1, round(scale * 1.6))
    (width, height), baseline = cv2.getTextSize(text, FONT, scale, thickness)
    pad = max(2, height // 4)
    box = np.empty((height + baseline + 2 * pad, width + 2 * pad, 3), np.uint8)
    box[:] = colour
    origin = (pad, pad + height)
    cv2.putText(box, text, origin, FONT, scale, _text_colour(colour), thickness, cv2.LINE_AA)
    return box


def _label(
    image: Pixels,
    text: str,
    left: int,
    edge: int,
    scale: float,
    colour: Colour,
    *,
    below: bool = False,
) -> int:
    """Text on a filled box above the row ``edge`` (or below it), kept inside the picture.

    Returns the row where the box ends.
    """
    height, width = image.shape[:2]
    box = _text_box(text, scale, colour)
    box_height, box_width = box.shape[:2]
    left = max(0, min(left, width - box_width))
    top = edge if below else max(0, min(edge, height) - box_height)
    _paste(image, box, left, top)
    return top + box_height


def _outline(
    image: Pixels, upper: tuple[int, int], lower: tuple[int, int], colour: Colour, line: int
) -> None:
    """A rectangle ``line`` pixels thick; OpenCV's own thick lines take three times as long."""
    (left, top), (right, bottom) = upper, lower
    for step in range(line // 2 - line + 1, line // 2 + 1):
        corners = (left - step, top - step), (right + step, bottom + step)
        cv2.rectangle(image, *corners, colour)


def _paste(image: Pixels, box: Pixels, left: int, top: int) -> None:
    under = image[top : top + box.shape[0], left : left + box.shape[1]]
    under[:] = box[: under.shape[0], : under.shape[1]]


def draw(
    image: Pixels,
    detections: Sequence[Detection],
    status: str,
    classes: Sequence[Classification] = (),
) -> None:
    """Draw ``detections``, best on top, and ``status`` along the lower edge, in place.

    ``classes`` of the whole picture are listed in its upper left corner, best first.

    Lines and text grow with the picture, and are never smaller than can be read.
    """
    height, width = image.shape[:2]
    scale = max(0.38, 0.55 * width / REFERENCE_WIDTH)
    line = max(1, round(2 * width / REFERENCE_WIDTH))
    for item in reversed(detections):
        colour = class_colour(item.class_id)
        x_min, y_min, x_max, y_max = (round(side) for side in item.box)
        x_max, y_max = min(x_max, width - 1), min(y_max, height - 1)  # else that side is unseen
        _outline(image, (x_min, y_min), (x_max, y_max), colour, line)
        _label(image, f"{item.label} {item.score:.0%}", x_min, y_min, scale, colour)
    row = 0
    for best in classes:
        text = f"{best.label} {best.score:.0%}"
        row = _label(image, text, 0, row, scale, class_colour(best.class_id), below=True)
    if status:
        _label(image, status, 0, height, scale, BLACK)
