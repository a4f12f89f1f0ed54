"""Label layout: a place for every label where it hides neither another label nor an object.

Greedy, best detection first: of the places around and inside its box, a label takes the one that
hides least of what was found. Where each would hide another label, or too much of an object, the
box stays without one. All corners are whole pixels, right and lower sides exclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom
Size = tuple[int, int]  # width, height

MOST_HIDDEN = 0.25  # of the objects under a label: the shares of each, summed
DETACHED = 0.1  # what a gap between a box and its label counts, as so much hidden


def place_labels(
    boxes: Sequence[Rectangle], sizes_wh: Sequence[Size], picture_wh: Size, most_area: float
) -> list[tuple[int, int] | None]:
    """The upper left corner of each box's label; None for a label that is better left away.

    ``boxes`` come best first; ``sizes_wh`` are their labels'. Labels stay within ``picture_wh``,
    do not overlap, and cover at most ``most_area`` pixels together. A box with both sides shorter
    than its label's height is too small for one.
    """
    placed: list[Rectangle] = []
    corners: list[tuple[int, int] | None] = []
    for box, size_wh in zip(boxes, sizes_wh, strict=True):
        width, height = size_wh
        left, top, right, bottom = box
        corner = None
        if width * height <= most_area and max(right - left, bottom - top) >= height:
            # No candidate leaves this rectangle.
            around = left - width, top - 2 * height, right + width, bottom + 2 * height
            objects, labels = _touching(around, boxes), _touching(around, placed)
            corner = _best_corner(_corners(box, size_wh, picture_wh), size_wh, objects, labels)
        if corner is not None:
            left, top = corner
            placed.append((left, top, left + width, top + height))
            most_area -= width * height
        corners.append(corner)
    return corners


def _best_corner(
    corners: Iterator[tuple[int, int, float]],
    size_wh: Size,
    objects: Sequence[Rectangle],
    labels: Sequence[Rectangle],
) -> tuple[int, int] | None:
    """The first corner whose label hides nothing, else the one that hides least, else None."""
    width, height = size_wh
    best, least = None, MOST_HIDDEN
    for left, top, penalty in corners:
        label = left, top, left + width, top + height
        if penalty >= least or (labels and _touching(label, labels)):
            continue
        cost = _hidden(label, objects) + penalty
        if cost == 0:
            return left, top
        if cost < least:
            best, least = (left, top), cost
    return best


def _corners(box: Rectangle, size_wh: Size, picture_wh: Size) -> Iterator[tuple[int, int, float]]:
    """Upper left corners for a label within the picture, and what is held against each."""
    left, top, right, bottom = box
    width, height = size_wh
    last_left, last_top = picture_wh[0] - width, picture_wh[1] - height
    if last_left < 0:
        return
    flush_left = min(max(left, 0), last_left)
    flush_right = min(max(right - width, 0), last_left)
    rows = (
        (top - height, 0.0),  # above
        (bottom, 0.0),  # below
        (top, 0.0),  # inside
        (bottom - height, 0.0),
        (top - 2 * height, DETACHED),  # shifted by a label
        (bottom + height, DETACHED),
    )
    for row, penalty in rows:
        if 0 <= row <= last_top:
            yield flush_left, row, penalty
            if flush_right != flush_left:
                yield flush_right, row, penalty
    if 0 <= top <= last_top:
        for beside in (right, left - width):
            if 0 <= beside <= last_left:
                yield beside, top, 0.0


def _touching(area: Rectangle, others: Sequence[Rectangle]) -> list[Rectangle]:
    """Those of ``others`` that share a pixel with ``area``."""
    left, top, right, bottom = area
    return [
        other
        for other in others
        if other[0] < right and other[2] > left and other[1] < bottom and other[3] > top
    ]


def _hidden(label: Rectangle, objects: Sequence[Rectangle]) -> float:
    """How much of ``objects`` a label hides: the share of each one's area, summed."""
    left, top, right, bottom = label
    hidden = 0.0
    for x_min, y_min, x_max, y_max in objects:
        if x_min < right and x_max > left and y_min < bottom and y_max > top:
            width = min(right, x_max) - max(left, x_min)
            height = min(bottom, y_max) - max(top, y_min)
            hidden += width * height / ((x_max - x_min) * (y_max - y_min))
            if hidden >= MOST_HIDDEN:
                return math.inf
    return hidden
