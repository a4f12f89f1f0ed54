"""The drop model: what an output error costs in accuracy, learnt from measured candidates.

Some hundreds of pictures tell a drop to a few tenths of a point, which is as much as good
candidates lose; their output error is known far more finely. On the detector that docs/tune.md
measures, points of mAP lost grow with the output error, and points of agreement with its square
root, as if small errors of scores crossed the threshold: so one factor is learnt from all
candidates together, the bad ones, whose drops stand out of the noise, telling most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OWN = 0.5  # of what its output error lets expect: how far a candidate's own drop may be from it


@dataclass(frozen=True, slots=True)
class MeasuredDrop:
    """A candidate's output error, its drop in points, and that drop's deviation over resamples."""

    output_error: float
    drop: float
    deviation: float


def expected_drops(measured: Sequence[MeasuredDrop], power: float) -> list[float]:
    """What each loses on pictures like those it was measured on, luck left out; in points.

    A drop is taken to be ``factor * output error ** power``, the factor being the sum of all drops
    over the sum of all powers (the ratio estimator), and a candidate to differ from that by
    :data:`OWN`. What was measured of it counts as far as its noise lets it: the mean of the two,
    weighted by the inverses of their variances.
    """
    powers = [item.output_error**power for item in measured]
    below = sum(powers)
    factor = max(0.0, sum(item.drop for item in measured) / below) if below else 0.0
    expected = []
    for item, raised in zip(measured, powers, strict=True):
        trend = factor * raised
        own = (OWN * trend) ** 2
        noise = item.deviation**2
        weight = own / (own + noise) if own else 0.0
        expected.append(trend + weight * (item.drop - trend))
    return expected
