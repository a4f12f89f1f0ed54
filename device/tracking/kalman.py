"""A Kalman filter of boxes that move at constant velocity, for all tracks at once.

Centre, width and height are filtered each by itself, as position and velocity: SORT's model
(Bewley et al. 2016, arXiv:1602.00763) with the height in place of area and ratio, whose noise grows
with the box, as in DeepSORT (Wojke et al. 2017, arXiv:1703.07402). Four filters of two numbers
instead of one of eight need no matrix inverted, so that all tracks are a few NumPy operations.
Time is in seconds: a camera's rate may change, and frames may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionNoise:
    """How boxes are believed to move and to be measured, in heights of the box."""

    measurement: float = 0.05  # standard deviation of a side that a detector finds
    acceleration: float = 1.0  # standard deviation, heights per second squared
    initial_velocity: float = 1.0  # standard deviation, heights per second


def to_centres(boxes: Values) -> Values:
    """Boxes (n, 4) of x_min, y_min, x_max, y_max as centre_x, centre_y, width, height."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def to_corners(centres: Values) -> Values:
    """The inverse of :func:`to_centres`."""
    half = centres[:, 2:] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


class BoxFilter:
    """Positions, velocities and their covariances of n boxes, each array (n, 4) float64.

    ``position`` is centre_x, centre_y, width, height in pixels; ``velocity`` the same per second.
    """

    def __init__(self, noise: MotionNoise) -> None:
        self._noise = noise
        empty = np.zeros((0, 4))
        self.position = self.velocity = empty
        self._p00 = self._p01 = self._p11 = empty  # variance, covariance, variance of velocity

    def add(self, boxes: Values) -> None:
        """Begin to filter ``boxes`` (n, 4) of corners, at rest but not known to be."""
        position = to_centres(boxes)
        height = position[:, 3:]
        fresh = (
            position,
            np.zeros_like(position),
            np.broadcast_to((self._noise.measurement * height) ** 2, position.shape),
            np.zeros_like(position),
            np.broadcast_to((self._noise.initial_velocity * height) ** 2, position.shape),
        )
        kept = (self.position, self.velocity, self._p00, self._p01, self._p11)
        joined = [np.concatenate(pair) for pair in zip(kept, fresh, strict=True)]
        self.position, self.velocity, self._p00, self._p01, self._p11 = joined

    def keep(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> None:
        """Go on with the boxes ``which``, positions or a mask, alone."""
        self.position, self.velocity = self.position[which], self.velocity[which]
        self._p00, self._p01, self._p11 = self._p00[which], self._p01[which], self._p11[which]

    def predict(self, elapsed_s: float) -> None:
        """Move all boxes on by ``elapsed_s`` seconds; what is not known grows."""
        dt = elapsed_s
        spread = (self._noise.acceleration * self.position[:, 3:]) ** 2
        self.position = self.position + self.velocity * dt
        np.maximum(self.position[:, 2:], 1.0, out=self.position[:, 2:])  # a pixel at least
        self._p00 = self._p00 + 2 * dt * self._p01 + dt**2 * self._p11 + spread * dt**4 / 4
        self._p01 = self._p01 + dt * self._p11 + spread * dt**3 / 2
        self._p11 = self._p11 + spread * dt**2

    def correct(self, which: NDArray[np.intp], boxes: Values) -> None:
        """Take in that the boxes ``which`` were found at ``boxes`` (k, 4) of corners."""
        if not len(which):
            return
        found = to_centres(boxes)
        p00, p01, p11 = self._p00[which], self._p01[which], self._p11[which]
        total = p00 + (self._noise.measurement * found[:, 3:]) ** 2
        gain, gain_of_velocity = p00 / total, p01 / total
        residual = found - self.position[which]
        self.position[which] += gain * residual
        self.velocity[which] += gain_of_velocity * residual
        self._p00[which] = (1 - gain) * p00
        self._p01[which] = (1 - gain) * p01
        self._p11[which] = p11 - gain_of_velocity * p01

    @property
    def boxes(self) -> Values:
        """Where all boxes are now, (n, 4) of corners."""
        return to_corners(self.position)
