"""The bootstrap: how sure a figure is, by the same measurement on resampled pictures.

The percentile bootstrap of B. Efron, "Bootstrap Methods: Another Look at the Jackknife" (Annals
of Statistics 7, 1979): draw as many pictures as there are, with replacement, measure, repeat;
the middle 95 % of the figures is the interval. Pictures are drawn, not boxes, because the boxes
on one picture are not independent. Two variants measured on the same draws share the luck of
the draw, so the interval of their difference is far narrower than either's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95

Interval = tuple[float, float]

Weights = NDArray[np.int32]
"""int32 (resamples, pictures): how often each picture was drawn; every row sums to pictures."""


def in_resamples(interval: Interval | None) -> str:
    """An interval of a figure in points, to be written behind it; empty where there is none."""
    if interval is None:
        return ""
    return f" (95 % of resamples: {interval[0]:.2f} to {interval[1]:.2f})"


def draw_weights(images: int, seed: int, resamples: int = RESAMPLES) -> Weights:
    """Draw ``pictures`` of as many with replacement, ``resamples`` times."""
    generator = np.random.default_rng(seed)
    weights = np.empty((resamples, images), np.int32)
    for row in weights:
        row[:] = np.bincount(generator.integers(images, size=images), minlength=images)
    return weights


def interval(figures: NDArray[np.float64]) -> Interval | None:
    """The middle 95 % of ``figures``, float64 (resamples,), rounded to 4 decimals.

    Resamples without a figure (NaN: nothing to be found was drawn) do not count; None where
    none has one.
    """
    known = figures[~np.isnan(figures)]
    if not len(known):
        return None
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(known, [tail, 100 - tail])
    return rounded(low), rounded(high)


def rounded(figure: float) -> float:
    """To 4 decimals, and never minus zero."""
    return round(float(figure), 4) + 0.0


def resampled_ratio(
    numerators: NDArray[np.int64], denominators: NDArray[np.int64], weights: Weights
) -> NDArray[np.float64]:
    """Sum of ``numerators`` over sum of ``denominators``, both int64 (pictures,), per resample.

    NaN where the denominators sum to zero.
    """
    below = weights @ denominators
    return np.where(below > 0, (weights @ numerators) / np.maximum(below, 1), np.nan)
