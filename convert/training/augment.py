"""Random views of an image: crops, zoom, mirror and colour, with the boxes that go along.

One affine warp makes crop, zoom-out, change of aspect and mirror at once, and one 3x4 matrix all
of the colour, so that an augmented image costs a millisecond.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from device.records import Pixels

Random = np.random.Generator

GREY = (127.5, 127.5, 127.5)  # what a normalised zero is
KEPT_SHARE = 0.3  # of an object's area that a crop must leave for it to count as seen
LEAST_SIDE = 0.01  # of the input, 3 of 300 pixels: less cannot be recognised
# Of the windows, these shares show objects smaller, with room around, and larger. An object that
# is half its size has lost what tells it from its like: more of that cost letters on tiles 0.2 mAP.
SMALLER, LARGER = 0.2, 0.4
LARGEST_AREA, SMALLEST_AREA = 2.25, 0.12  # of a window, in areas of the image
TRIES = 12  # crops drawn until one has an object in it
SIDES = re.compile(r"(?<![a-z])(left|right)(?![a-z])")


@dataclass(frozen=True, slots=True)
class View:
    """An image as the network gets it, and what is on it.

    ``pixels`` uint8 (size, size, 3), BGR. ``boxes`` float32 (n, 4): x_min, y_min, x_max, y_max,
    0..1 of the view; ``class_ids`` int32 (n,); ``ignored`` bool (n,).
    """

    pixels: Pixels
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """The rectangle of an image that becomes the view; it may reach beyond the image. 0..1."""

    x: float
    y: float
    width: float
    height: float


def may_mirror(classes: Sequence[str]) -> bool:
    """Whether a mirrored object is still of its class: not where classes are left and right."""
    return not any(SIDES.search(re.sub(r"[_\d]", " ", name.lower())) for name in classes)


def random_window(random: Random, boxes: NDArray[np.float32]) -> Window:
    """A window for an image whose objects have ``boxes`` float32 (n, 4), 0..1 of the image."""
    kind = random.random()
    if kind < SMALLER:
        return _place(random, math.sqrt(random.uniform(1.0, LARGEST_AREA)))
    if kind < SMALLER + LARGER:
        for _ in range(TRIES):
            window = _place(random, math.sqrt(random.uniform(SMALLEST_AREA, 1.0)))
            if len(boxes) == 0 or (_seen(window, boxes) >= 0.6).any():
                return window
    return _place(random, random.uniform(0.9, 1.1))


def _place(random: Random, side: float) -> Window:
    """A window of about ``side`` of the image's sides, somewhere."""
    stretch = math.exp(random.uniform(-0.25, 0.25))
    width, height = side * stretch, side / stretch
    x, y = (random.uniform(min(0, 1 - extent), max(0, 1 - extent)) for extent in (width, height))
    return Window(x, y, width, height)


def _seen(window: Window, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each box within ``window``."""
    low = np.array([window.x, window.y], np.float32)
    high = low + np.array([window.width, window.height], np.float32)
    common = np.minimum(boxes[:, 2:], high) - np.maximum(boxes[:, :2], low)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    shares: NDArray[np.float32] = np.prod(np.maximum(common, 0), axis=1) / np.maximum(areas, 1e-12)
    return shares


def view(
    pixels: Pixels,
    boxes: NDArray[np.float32],
    class_ids: NDArray[np.int32],
    ignored: NDArray[np.bool_],
    window: Window,
    size: int,
    mirrored: bool = False,
) -> View:
    """What ``window`` shows, ``size`` x ``size``, grey beyond the image.

    ``boxes`` float32 (n, 4), 0..1 of the image. Objects with less than :data:`KEPT_SHARE` in the
    window become ignored: part of one is no mistake to find, and none to miss.
    """
    height, width = pixels.shape[:2]
    scale_x = size / (window.width * width)
    scale_y = size / (window.height * height)
    matrix = np.array(
        [
            [scale_x, 0, (0.5 - window.x * width) * scale_x - 0.5],
            [0, scale_y, (0.5 - window.y * height) * scale_y - 0.5],
        ]
    )
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    warped = cv2.warpAffine(
        pixels,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=GREY,
    )
    shares = _seen(window, boxes)
    moved = (boxes - np.array([window.x, window.y] * 2)) / np.array(
        [window.width, window.height] * 2
    )
    if mirrored:
        moved = np.stack((1 - moved[:, 2], moved[:, 1], 1 - moved[:, 0], moved[:, 3]), axis=1)
    moved = np.clip(moved, 0, 1).astype(np.float32)
    present = (shares > 0) & ((moved[:, 2:] - moved[:, :2]) > 0).all(axis=1)
    small = ((moved[:, 2:] - moved[:, :2]) < LEAST_SIDE).any(axis=1)
    unclear = ignored | (shares < KEPT_SHARE) | small
    return View(np.asarray(warped, np.uint8), moved[present], class_ids[present], unclear[present])


def _colour_matrix(random: Random) -> NDArray[np.float64]:
    """Random hue, saturation, contrast, brightness and white balance as one 3x4 matrix (BGR)."""
    luma = np.array([0.114, 0.587, 0.299])
    saturation = 0.0 if random.random() < 0.03 else random.uniform(0.5, 1.5)
    matrix = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
    angle = random.uniform(-0.25, 0.25)  # about the grey axis, in radians
    axis = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    rotation = math.cos(angle) * (np.eye(3) - axis) + axis + math.sin(angle) * cross
    gains = random.uniform(0.9, 1.1, 3) * random.uniform(0.65, 1.35)
    matrix = np.diag(gains) @ rotation @ matrix
    offset = random.uniform(-25, 25) + 127.5 * (1 - gains.mean())  # contrast about mid-grey
    return np.concatenate((matrix, np.full((3, 1), offset)), axis=1)


def recolour(pixels: Pixels, random: Random) -> Pixels:
    """``pixels`` in another light, now and then blurred or noisy."""
    changed = cv2.transform(pixels, _colour_matrix(random)) if random.random() < 0.85 else pixels
    kind = random.random()
    if kind < 0.08:
        changed = cv2.GaussianBlur(changed, (0, 0), random.uniform(0.4, 1.3))
    elif kind < 0.16:
        noise = random.normal(0, random.uniform(2, 10), changed.shape).astype(np.float32)
        changed = np.clip(changed.astype(np.float32) + noise, 0, 255).astype(np.uint8)
    return np.asarray(changed, np.uint8)


def augment(
    pixels: Pixels,
    boxes: NDArray[np.float32],
    class_ids: NDArray[np.int32],
    ignored: NDArray[np.bool_],
    size: int,
    mirror: bool,
    random: Random,
) -> View:
    """A random :class:`View` of an image; arguments as of :func:`view`."""
    window = random_window(random, boxes[~ignored])
    mirrored = mirror and random.random() < 0.5
    seen = view(pixels, boxes, class_ids, ignored, window, size, mirrored)
    return View(recolour(seen.pixels, random), seen.boxes, seen.class_ids, seen.ignored)
