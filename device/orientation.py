"""Orientation: quarter turns and mirrors, all eight ways to lay an image down."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from device.records import Pixels


@dataclass(frozen=True, slots=True)
class Orientation:
    """A transposition, then mirrors: what lays an image down as asked."""

    transpose: bool = False  # rows become columns
    hflip: bool = False  # left becomes right
    vflip: bool = False  # top becomes bottom

    @classmethod
    def of(cls, rotate: int, flip: str | None) -> Orientation:
        """``rotate`` degrees clockwise (0, 90, 180, 270), then ``flip``.

        ``flip``: horizontal (left becomes right), vertical (top becomes bottom), both, or None.
        """
        transpose, hflip, vflip = {
            0: (False, False, False),
            90: (True, True, False),
            180: (False, True, True),
            270: (True, False, True),
        }[rotate]
        return cls(
            transpose,
            hflip ^ (flip in ("horizontal", "both")),
            vflip ^ (flip in ("vertical", "both")),
        )

    @classmethod
    def of_exif(cls, orientation: int) -> Orientation:
        """What lays an image upright whose EXIF has this orientation, 1 to 8."""
        return cls(orientation >= 5, orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8))

    def mirrors_before(self) -> tuple[bool, bool]:
        """The horizontal and vertical mirrors that do the same before the transposition."""
        return (self.vflip, self.hflip) if self.transpose else (self.hflip, self.vflip)

    def apply(self, pixels: Pixels) -> Pixels:
        """``pixels`` laid down this way; the same array where nothing is to be done."""
        if self.transpose:
            pixels = np.asarray(cv2.transpose(pixels), np.uint8)
        if self.hflip or self.vflip:
            code = (-1 if self.vflip else 1) if self.hflip else 0
            pixels = np.asarray(cv2.flip(pixels, code), np.uint8)
        return pixels
