"""Text on a filled box, by OpenCV's stroke font; what that lacks, by Pillow or in plain letters."""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np

from device.drawing.fonts import covering_font
from device.drawing.palette import Colour, ink_on
from device.drawing.transliteration import plain_letters
from device.records import Pixels

FONT = cv2.FONT_HERSHEY_SIMPLEX  # has ASCII and no more
TRUE_TYPE_SIZE = 30  # pixels of a TrueType font whose letters are as tall as FONT's at scale 1


@lru_cache(maxsize=256)  # on a video the same few come back on every frame
def text_box(text: str, scale: float, colour: Colour) -> Pixels:
    """``text`` on a box of ``colour``, in black or white; ``scale`` is OpenCV's.

    ``text`` has been through :func:`drawable`.
    """
    if not text.isascii():
        return _true_type_box(text, scale, colour)
    thickness = max(1, round(scale * 1.6))
    (width, height), baseline = cv2.getTextSize(text, FONT, scale, thickness)
    pad = max(2, height // 4)
    box = np.empty((height + baseline + 2 * pad, width + 2 * pad, 3), np.uint8)
    box[:] = colour
    origin = (pad, pad + height)
    cv2.putText(box, text, origin, FONT, scale, ink_on(colour), thickness, cv2.LINE_AA)
    return box


@cache
def drawable(label: str, instead: str) -> str:
    """``label`` as it can be drawn here: itself, in plain letters, or ``instead``.

    A label of ASCII is itself; another too where Pillow and a font with all its letters are on
    this machine.
    """
    if label.isascii() or covering_font(label) is not None:
        return label
    return plain_letters(label) or instead


def _true_type_box(text: str, scale: float, colour: Colour) -> Pixels:
    """The same by Pillow: as tall as the box of a text in ASCII."""
    from PIL import Image, ImageDraw

    font = covering_font(text)
    assert font is not None, "such a text is only made where there is one"
    sized = font.font_variant(size=max(8, round(scale * TRUE_TYPE_SIZE)))
    thickness = max(1, round(scale * 1.6))
    (_, height), baseline = cv2.getTextSize("x", FONT, scale, thickness)
    pad = max(2, height // 4)
    width = round(sized.getlength(text))
    image = Image.new("RGB", (width + 2 * pad, height + baseline + 2 * pad), colour)
    # "ls": the origin is where the baseline begins. The colour is blue first, as OpenCV has it.
    ImageDraw.Draw(image).text((pad, pad + height), text, ink_on(colour), sized, anchor="ls")
    return np.asarray(image, np.uint8)
