"""Annotation: what was found painted on an image, sized by the image."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

import cv2

from device.drawing.label_layout import Rectangle, place_labels
from device.drawing.palette import BLACK, Colour, class_colour
from device.drawing.parts import EVERYTHING
from device.drawing.text import drawable, text_box
from device.records import Classification, Detection, Pixels

REFERENCE_SIDE = 560  # pixels, the mean of 640 and 480: text has OpenCV's size 0.55 there
MOST_COVERED = 0.4  # of a picture, by lines and labels: a tiny one keeps its view


@dataclass(frozen=True, slots=True)
class _Style:
    """Sizes that suit an image: OpenCV's scale of text, pixels of a line and of its halo."""

    text_scale: float
    line: int
    halo: int


@lru_cache(maxsize=16)
def _style(width: int, height: int) -> _Style:
    """Sizes by the mean of both sides: neither a panorama nor a portrait is drawn too coarsely."""
    share = (width + height) / 2 / REFERENCE_SIDE
    line = max(2, round(2 * share))
    return _Style(max(0.38, 0.55 * share), line, max(1, line // 3))


def draw(
    image: Pixels,
    detections: Sequence[Detection],
    status: str = "",
    classes: Sequence[Classification] = (),
    parts: AbstractSet[str] = EVERYTHING,
) -> None:
    """Draw ``detections``, best on top, and ``status`` along the lower edge, in place.

    ``classes`` of the whole picture are listed in its upper left corner, best first. ``parts``
    are those of :mod:`device.drawing.parts`. Lines and text grow with the picture, and are never
    smaller than can be read; a label that would hide another or an object is left away.
    """
    height, width = image.shape[:2]
    style = _style(width, height)
    boxes = [_rectangle(item, width, height) for item in detections]
    room = MOST_COVERED * width * height
    if "boxes" in parts:
        for item, box in zip(reversed(detections), reversed(boxes), strict=True):
            _outline(image, box, class_colour(item.class_id), style)
        thickness = style.line + style.halo
        room -= sum(2 * thickness * (right - left + low - top) for left, top, right, low in boxes)
    _draw_labels(image, detections, boxes, parts, style, room)
    _list_classes(image, classes, parts, style, room)
    if status and "status" in parts:
        text = text_box(status, style.text_scale, BLACK)
        _paste(image, text, 0, max(0, height - text.shape[0]))


def _rectangle(item: Detection, width: int, height: int) -> Rectangle:
    """The box in whole pixels of the image, right and lower sides exclusive."""
    left, top = max(0, round(item.x_min)), max(0, round(item.y_min))
    right, bottom = min(width, round(item.x_max) + 1), min(height, round(item.y_max) + 1)
    return left, top, right, bottom


def _outline(image: Pixels, box: Rectangle, colour: Colour, style: _Style) -> None:
    """A rectangle whose line lies on the sides of ``box``, and a dark halo around it.

    The line holds on dark grounds, the halo on light ones, and each against the other on all
    between. OpenCV's own thick lines take ten times as long as so many thin ones.
    """
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    outer = style.line // 2
    for step in range(outer - style.line + 1, outer + style.halo + 1):
        upper, lower = (left - step, top - step), (right + step, bottom + step)
        cv2.rectangle(image, upper, lower, colour if step <= outer else BLACK)


def _text(item: Detection | Classification, parts: AbstractSet[str]) -> str:
    words = []
    if "labels" in parts:
        words.append(drawable(item.label, f"#{item.class_id}"))
    if "scores" in parts:
        words.append(f"{item.score:.0%}")
    return " ".join(words)


def _draw_labels(
    image: Pixels,
    detections: Sequence[Detection],
    boxes: Sequence[Rectangle],
    parts: AbstractSet[str],
    style: _Style,
    room: float,
) -> None:
    """Labels where they hide least; ``room`` is how many pixels they may cover together."""
    if not parts & {"labels", "scores"}:
        return
    height, width = image.shape[:2]
    texts = [_fitting(item, parts, style, width) for item in detections]
    sizes = [(text.shape[1], text.shape[0]) for text in texts]
    corners = place_labels(boxes, sizes, (width, height), room)
    for text, corner in zip(texts, corners, strict=True):
        if corner is not None:
            _paste(image, text, *corner)


def _fitting(
    item: Detection | Classification, parts: AbstractSet[str], style: _Style, width: int
) -> Pixels:
    """The text of ``item`` on its box; without the score where ``width`` is too small for both."""
    colour = class_colour(item.class_id)
    text = text_box(_text(item, parts), style.text_scale, colour)
    if text.shape[1] > width and "labels" in parts:
        text = text_box(_text(item, parts - {"scores"}), style.text_scale, colour)
    return text


def _list_classes(
    image: Pixels,
    classes: Sequence[Classification],
    parts: AbstractSet[str],
    style: _Style,
    room: float,
) -> None:
    """What the whole picture may show, from its upper left corner down, as far as there is room."""
    if not parts & {"labels", "scores"}:
        return
    row = 0
    for item in classes:
        text = _fitting(item, parts, style, image.shape[1])
        room -= text.shape[0] * min(text.shape[1], image.shape[1])
        if room < 0:
            break
        _paste(image, text, 0, row)
        row += text.shape[0]


def _paste(image: Pixels, box: Pixels, left: int, top: int) -> None:
    under = image[top : top + box.shape[0], left : left + box.shape[1]]
    under[:] = box[: under.shape[0], : under.shape[1]]
