"""The motion of the whole scene from frame to frame: a camera that pans, or shakes in the wind."""

from __future__ import annotations

import cv2
import numpy as np

from device.inference.cell_view import Cells, SceneCells, share_changed, shifted

STILL = 0.02  # of all cells: with fewer that changed, the camera stands still
BELIEVED = 0.75  # of the mean difference: what a motion must leave at most
SMOOTHED = 3  # cells, the side of the filter before frames are compared
STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 1e-5)


class SceneMotion:
    """Follows the frames of one camera, and tells where the scene lies in each.

    Motion is found by OpenCV's maximisation of the enhanced correlation coefficient (Evangelidis
    and Psarakis 2008), and believed where frames resemble each other more with it than without:
    something that passes a camera that stands still moves no scene.
    """

    def __init__(self, level: float) -> None:
        """``level`` is that from which a cell has changed."""
        self._level = level
        self._last: SceneCells | None = None

    def follow(self, cells: Cells) -> SceneCells:
        """Where the scene lies in the next frame."""
        last = self._last
        if last is None:
            self._last = SceneCells(cells)
            return self._last
        changed = share_changed(cells, last.cells, self._level)
        if changed < STILL:
            # Compared with the same frame again, a slow motion adds up until it shows.
            return SceneCells(cells, last.offset)
        across, down = _motion(last.cells, cells)
        self._last = SceneCells(cells, (last.offset[0] + across, last.offset[1] + down))
        return self._last


def _motion(then: Cells, now: Cells) -> tuple[float, float]:
    """Columns and rows by which the scene moved; none where that explains little."""
    matrix = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(then, now, matrix, cv2.MOTION_TRANSLATION, STEPS)
    except cv2.error:  # it found none
        return 0.0, 0.0
    across, down = (float(side) for side in np.asarray(found)[:, 2])
    # What lies between cells cannot be told: frames are compared without such detail.
    before, after = _smooth(then), _smooth(now)
    left = np.abs(shifted(before, (across, down)) - after).mean()
    if not left < BELIEVED * np.abs(before - after).mean():  # neither where it is no number
        return 0.0, 0.0
    return across, down


def _smooth(cells: Cells) -> Cells:
    return np.asarray(cv2.GaussianBlur(cells, (SMOOTHED, SMOOTHED), 0), np.float32)
