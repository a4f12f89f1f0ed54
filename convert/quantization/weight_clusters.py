"""Weight clusters: the weights of a layer take few values, so that the file packs smaller.

Weight sharing of Han et al. 2016 (arXiv:1510.00149), without its index: the file stays as large and
the network as fast; what becomes smaller is what travels to a board, where it is compressed.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_WORTH = (
    1e-9  # of an error, as a share of what the same error is worth where steps are largest
)

Steps = NDArray[np.int8]
Reals = NDArray[np.floating[Any]]


def cluster_centres(steps: Steps, step_sizes: Reals, count: int) -> Steps:
    """The centres of at most ``count`` clusters of the weights ``steps``, rising, int8 (clusters,).

    Of all choices that with the least squared error: k-means of numbers on a line, which dynamic
    programming solves (Wang and Song 2011, doi:10.32614/RJ-2011-015). ``step_sizes`` are what a
    step of each weight is worth, of a shape that broadcasts to that of ``steps``.
    """
    worth = np.broadcast_to(np.square(step_sizes, dtype=np.float64), steps.shape)
    # Channels without weights have next to no step: sums would not notice theirs at all.
    worth = np.maximum(worth, LEAST_WORTH * worth.max() or 1.0)
    found, places = np.unique(steps, return_inverse=True)
    weight = np.bincount(places.ravel(), worth.ravel())
    values = found.astype(np.float64)
    if len(values) <= count:
        return found
    # Sums up to each value give the error of any stretch of values with their mean in its place.
    zero, one, two = (np.concatenate(([0.0], np.cumsum(weight * values**n))) for n in range(3))
    first, last = np.arange(len(values))[:, np.newaxis], np.arange(1, len(values) + 1)
    mass = zero[last] - zero[first]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = two[last] - two[first] - np.square(one[last] - one[first]) / mass
    error[last <= first] = np.inf  # no stretch
    least = error[0]  # of the values up to each, in one stretch
    begins = []  # where the last stretch begins, for each number of stretches
    for _ in range(count - 1):
        # (begin, end): the stretches before end before the begin.
        total = np.concatenate(([np.inf], least[:-1]))[:, np.newaxis] + error
        begins.append(total.argmin(axis=0))
        least = total.min(axis=0)
    ends = [len(values)]
    for begin in reversed(begins):
        ends.append(int(begin[ends[-1] - 1]))
    edges = [0, *reversed(ends)]
    means = [
        (one[end] - one[start]) / (zero[end] - zero[start])
        for start, end in itertools.pairwise(edges)
    ]
    centres: Steps = np.unique(np.rint(means)).astype(np.int8)
    return centres  # two means may be one whole step


def nearest_centre(values: Reals | Steps, centres: Steps) -> Steps:
    """The nearest of ``centres``, which rise, to each of ``values``, in steps like these."""
    between = (centres[1:].astype(np.float64) + centres[:-1]) / 2
    nearest: Steps = centres[np.searchsorted(between, values)]
    return nearest
