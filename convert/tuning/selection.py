"""Selection among finalists: the cheapest that is expected to keep the limit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convert.errors import EvaluationError
from convert.tuning.drop_model import expected_drops
from convert.tuning.search import Candidate
from convert.tuning.types import Finalist, TuningResult

ALIKE = 1.02  # times a cost: what a measurement cannot tell apart
AIM = 0.5  # of the limit, which leaves a reserve for pictures that are harder
TOLD = 2.0  # times a limit: the largest deviation of int8's drop with which it can be kept
RESERVE = 1.05  # times a cost that is paid for this


def holds(outcome: TuningResult, max_drop: float) -> bool:
    """Whether ``outcome`` is expected to keep the limit, and what was measured does not refute it.

    Measured drops may be off by luck, but not by more than luck explains: all of the interval being
    above the limit is too much.
    """
    least = outcome.drop if outcome.interval is None else outcome.interval[0]
    return max(outcome.expected, outcome.kept_expected, least) <= max_drop


def choose(finalists: Sequence[Finalist], max_drop: float, power: float) -> Finalist:
    """The cheapest that is expected to keep the limit; where none is, the closest.

    What to expect is :func:`.drop_model.expected_drops`. Unseen pictures may be harder: one
    that keeps half the limit is preferred if it costs at most a twentieth more. Of costs that a
    measurement cannot tell apart, the one that disturbs least.
    """
    measured = expected_drops([item.seen for item in finalists], power)
    expected = list(zip(measured, finalists, strict=True))
    safe, fit = _cheapest(expected, AIM * max_drop), _cheapest(expected, max_drop)
    if fit is None:
        _, closest = min(expected, key=lambda pair: (pair[0], pair[1].output_error, pair[1].name))
        return closest
    return safe if safe is not None and safe.cost <= RESERVE * fit.cost else fit


def _cheapest(expected: Sequence[tuple[float, Finalist]], limit: float) -> Finalist | None:
    fit = [item for drop, item in expected if drop <= limit]
    least = min((item.cost for item in fit), default=0.0)
    alike = [item for item in fit if item.cost <= least * ALIKE]
    return min(alike, key=lambda item: (item.output_error, item.name), default=None)


def spaced(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """``count`` of ``ranked``, both ends among them."""
    places = np.linspace(0, len(ranked) - 1, min(count, len(ranked)))
    return [ranked[place] for place in sorted({round(place) for place in places})]


def refuse_little(max_drop: float, score: float, metric: str) -> None:
    """Raise ``EvaluationError`` where float32's ``score``, in points, is all within the limit.

    A network that is always wrong would keep it.
    """
    if score <= max_drop:
        raise EvaluationError(
            f"float32 itself scores {score:.2f} points of {metric}, which --max-drop {max_drop:g} "
            "would let go altogether: are these its weights, and annotations of its classes?"
        )


def refuse_noise(max_drop: float, deviation: float, images: int) -> None:
    """Raise ``EvaluationError`` where ``images`` pictures cannot tell ``max_drop`` from nothing.

    ``deviation`` is the standard deviation of int8's drop over resamples, in points; it falls with
    the square root of the number of pictures. What is chosen disturbs less than int8 and varies
    less, and is chosen by what many candidates tell together: half of it is still told.
    """
    if deviation > TOLD * max_drop:
        needed = math.ceil(images * (deviation / (TOLD * max_drop)) ** 2)
        raise EvaluationError(
            f"--max-drop {max_drop:g} is less than {images} pictures can tell: drawn again, "
            f"int8's drop varies by {deviation:.2f} points; about {needed} pictures would do"
        )


def id_of(item: Candidate) -> str:
    """A short name of a candidate, always the same."""
    import zlib

    return f"{zlib.crc32(item.choice.describe().encode()):08x}"


def tell(item: Finalist) -> str:
    """A finalist in a line."""
    what = "int8 as it is" if item.choice is None else item.choice.describe()
    return (
        f"{item.name}: {item.cost:.3f} times int8's cost, {item.seen.drop:.2f} points lost "
        f"where searched ({what})"
    )
