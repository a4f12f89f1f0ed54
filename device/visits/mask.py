"""Privacy masks: parts of every frame that are blacked out before anything looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from device.records import Frame, Pixels
from device.visits.plan import Mask


class PrivacyMask:
    """Polygons that are filled with black."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        self._shapes = [np.array(mask.points, float) for mask in masks]
        self._corners: dict[tuple[int, int], list[NDArray[np.int32]]] = {}  # by size of the picture

    def apply(self, frame: Frame) -> Frame:
        """The frame with black where the masks are; ``frame`` itself stays as it is."""
        lores = None if frame.lores is None else self._fill(frame.lores)
        return replace(frame, pixels=self._fill(frame.pixels), lores=lores)

    def _fill(self, pixels: Pixels) -> Pixels:
        size_wh = (pixels.shape[1], pixels.shape[0])
        if size_wh not in self._corners:
            self._corners.clear()
            # Outwards: a pixel that a mask touches is black.
            self._corners[size_wh] = [
                np.round(shape * np.subtract(size_wh, 1)).astype(np.int32) for shape in self._shapes
            ]
        black = pixels.copy()
        for corners in self._corners[size_wh]:
            cv2.fillPoly(black, [corners], (0, 0, 0))
        return black
