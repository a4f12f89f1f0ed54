"""Motion detection: so that the network may rest while a scene stands still."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from device.records import Pixels

CELLS_WH = (80, 60)  # noise of single pixels averages out
LEVELS = 12  # of 255 by which a cell must differ: above a sensor's noise and a lamp's flicker
SHARE = 0.004  # of the cells: about 20, a person far away
REFRESH_S = 10.0  # light that changes slowly, or a thing that was missed


class MotionDetector:
    """A detector of motion against the last frame that moved."""

    def __init__(self) -> None:
        self._seen: NDArray[np.uint8] | None = None
        self._seen_at_s = 0.0

    def moved(self, pixels: Pixels) -> bool:
        """Whether ``pixels`` (uint8 BGR) differ from the last frame for which this was true.

        True for the first frame, and again every ten seconds.
        """
        small = cv2.resize(pixels, CELLS_WH, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        now_s = time.monotonic()
        if self._seen is not None and now_s - self._seen_at_s < REFRESH_S:
            changed = np.count_nonzero(cv2.absdiff(grey, self._seen) > LEVELS)
            if changed <= SHARE * grey.size:
                return False
        self._seen, self._seen_at_s = np.asarray(grey, np.uint8), now_s
        return True
