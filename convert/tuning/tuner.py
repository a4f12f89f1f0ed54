"""The cheapest mixed-precision variant of a bundle that keeps an accuracy limit.

The pictures are split in two halves. Each half is searched on its own, and what was chosen there
is judged on the other, which the search has not seen. Joined, the two judgements cover every
picture once. What is promised is the drop to be expected there, by what all finalists lost.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.calibration.images import CalibrationInputs
from convert.errors import EvaluationError
from convert.evaluation.bootstrap import Interval
from convert.evaluation.evaluate import REFERENCE
from convert.output_capture import quiet
from convert.tuning.candidates import CandidateMaker, Choice, Granularity, stack_inputs
from convert.tuning.cost import Target, invoke_cost
from convert.tuning.drop_model import Measured, expected_drops
from convert.tuning.evaluator import Looks, Trial
from convert.tuning.output_error import Disturbance
from convert.tuning.search import MOVES, Explorer, Screened, frontier
from device.bundle.bundle import Bundle
from device.errors import UsageError

INT8 = "int8"
CALIBRATED_ON = 24  # pictures of a half
SCREENED_ON = 32  # others of the same half
FINALISTS = 5
MORE_FINALISTS = 3
ALIKE = 1.02  # times a cost: what a measurement cannot tell apart
AIM = 0.5  # of the limit, which leaves a reserve for pictures that are harder
TOLD = 2.0  # times a limit: the largest deviation of int8's drop with which it can be kept
RESERVE = 1.05  # times a cost that is paid for this

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked ``convert tune`` for."""

    max_drop: float  # points
    target: Target = "here"
    minutes: float = 15.0
    seed: int = 0
    moves: int = MOVES
    granularity: Granularity = "channel"
    debug: bool = False


@dataclass(slots=True)
class Finalist:
    """A candidate that looked at all pictures; drops in points, ``cost`` a multiple of int8's.

    ``choice`` None is the bundle's own int8. ``seen`` is the drop on the half that was searched,
    ``unseen`` on the other, each with its deviation over resamples.
    """

    name: str
    choice: Choice | None
    cost: float
    disturbance: float
    size_bytes: int
    seen: float
    deviation: float
    unseen: float
    unseen_deviation: float
    looks: Looks = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Search:
    """A half's search under way."""

    number: int
    seen: list[int]
    unseen: list[int]
    maker: CandidateMaker
    disturbance: Disturbance
    explorer: Explorer


@dataclass(slots=True)
class Half:
    """One half's search: everything screened, the finalists, and the one chosen."""

    screened: list[Screened]
    finalists: list[Finalist]
    chosen: Finalist
    model: bytes = field(repr=False)
    images: int = 0

    def expected_unseen(self, power: float) -> float:
        """What the chosen one loses on the other half, luck left out: see drop_model."""
        there = [Measured(i.disturbance, i.unseen, i.unseen_deviation) for i in self.finalists]
        drops = zip(self.finalists, expected_drops(there, power), strict=True)
        return next(drop for item, drop in drops if item is self.chosen)


@dataclass(slots=True)
class Outcome:
    """What a search came to.

    ``drop`` is that of pictures unseen by the search that chose, with its interval; ``expected``
    the same with luck left out, ``kept_expected`` that of the variant kept alone.
    """

    metric: str
    unit: str
    images: int
    base_drop: float
    base_interval: Interval | None
    float32_cost: float = math.nan  # a multiple of int8's
    layers: Sequence[str] = ()  # their outputs' names, as :class:`Choice` numbers them
    halves: list[Half] = field(default_factory=list)
    kept: Finalist | None = None
    model: bytes = field(default=b"", repr=False)
    drop: float = math.nan
    interval: Interval | None = None
    expected: float = math.nan
    kept_expected: float = math.nan
    met: bool = False
    finished: bool = False


class Tuner:
    """Runs the search; :attr:`outcome` holds the best so far whenever it is interrupted."""

    def __init__(
        self,
        bundle: Bundle,
        sets: Sequence[tuple[Path, Path | None]],
        options: Options,
        scratch: Path,
        say: Say,
        int8: bytes | None = None,
    ) -> None:
        """``int8`` stands for the bundle's own. Raises ``UsageError`` where there is none."""
        self._bundle, self._options, self._say = bundle, options, say
        for name in (REFERENCE, INT8):
            if name not in bundle.manifest.variants:
                raise UsageError(
                    f"{bundle.folder} has no {name}, which tuning starts from: build it with "
                    f"--variants {REFERENCE},{INT8}"
                )
        self._started = time.monotonic()
        self._search_now: _Search | None = None
        self._halves: tuple[list[int], list[int]] = [], []
        self._float32 = bundle.file(bundle.variant(REFERENCE).file)
        self._int8 = int8 or bundle.file(bundle.variant(INT8).file).read_bytes()
        self._trial = Trial(bundle, sets, scratch, say)
        self._cost = invoke_cost(options.target, self._int8)
        count = len(self._trial.paths)
        say(f"{count} pictures, {self._trial.metric}; cost: {self._cost.unit}")
        (looks,) = self._trial.look({INT8: self._int8}).values()
        self._int8_looks = looks
        spread, deviation = self._trial.spread(looks, options.seed)
        drop = self._trial.drop(looks)
        (cost,) = self._cost.confirm([self._float32.read_bytes()])
        self.outcome = Outcome(self._trial.metric, self._cost.unit, count, drop, spread, cost)
        score = self._trial.score
        say(
            f"float32 scores {score:.2f} points at {cost:.2f} times int8's cost; int8 loses "
            f"{drop:.2f} {interval_text(spread)}".rstrip()
        )
        refuse_little(options.max_drop, score, self._trial.metric)
        refuse_noise(options.max_drop, deviation, count)

    def run(self) -> Outcome:
        """Search both halves, and judge. Raises what its parts raise."""
        count = len(self._trial.paths)
        order = list(range(count))
        random.Random(self._options.seed).shuffle(order)
        self._halves = halves = sorted(order[: count // 2]), sorted(order[count // 2 :])
        for number, seen in enumerate(halves):
            unseen = halves[1 - number]
            share = 0.45 * (number + 1)  # of the time, the rest being for the finalists
            deadline = self._started + self._options.minutes * 60 * share
            self._say(f"half {number + 1} of 2: {len(seen)} pictures")
            half = self._search(number, seen, unseen, deadline)
            self.outcome.halves.append(half)
            self._judge()
        self.outcome.finished = True
        return self.outcome

    def settle(self, say: Say) -> Outcome:
        """The best so far of an interrupted :meth:`run`, judged on the half it was not chosen on.

        Where the first half is still searched, what it tried so far is measured now. Raises
        ``KeyboardInterrupt`` where it tried nothing yet.
        """
        self._say = say
        if not self.outcome.halves:
            if self._search_now is None or not self._search_now.explorer.tried:
                raise KeyboardInterrupt
            say("interrupted: measuring the best so far; Ctrl-C again leaves the bundle as it is")
            self.outcome.halves.append(self._conclude(self._search_now))
        if self.outcome.kept is None:
            self._judge()
        return self.outcome

    def _inputs(self, images: Sequence[int]) -> NDArray[np.float32]:
        rule = self._bundle.manifest.input
        paths = [self._trial.paths[number] for number in images]
        with quiet(self._options.debug):  # libpng has opinions on colour profiles
            return stack_inputs(list(CalibrationInputs(rule, "image").dataset(paths)()))

    def _search(self, number: int, seen: list[int], unseen: list[int], deadline: float) -> Half:
        options, manifest = self._options, self._bundle.manifest
        drawn = random.Random(options.seed + number).sample(
            seen, min(len(seen), CALIBRATED_ON + SCREENED_ON)
        )
        middle = max(1, len(drawn) * CALIBRATED_ON // (CALIBRATED_ON + SCREENED_ON))
        self._say(f"calibrating on {middle} of them")
        maker = CandidateMaker(
            self._float32.read_bytes(),
            self._inputs(drawn[:middle]),
            manifest.input.value_range,
            options.granularity,
            debug=options.debug,
        )
        heads = self._bundle.variant(REFERENCE).heads
        disturbance = Disturbance(
            self._float32, heads, manifest.decoder, self._inputs(drawn[middle:])
        )
        explorer = Explorer(maker, disturbance, self._cost, options.seed + number, self._say)
        self.outcome.layers = maker.layers
        self._search_now = _Search(number, seen, unseen, maker, disturbance, explorer)
        explorer.run(deadline, options.moves)
        return self._conclude(self._search_now)

    def _conclude(self, search: _Search) -> Half:
        """Choose from what was tried, by measuring some of it on all pictures."""
        number, seen, unseen, maker = search.number, search.seen, search.unseen, search.maker
        screened = list(search.explorer.tried.values())
        ranked = frontier(screened)
        # Those throughout in int8 tell most of what a disturbance costs, the worst above all.
        throughout = [item for item in screened if item.choice.throughout]
        first = dict.fromkeys([*throughout, *spaced(ranked, FINALISTS)])
        finalists = self._measure(maker, list(first), seen, unseen, number)
        finalists.append(
            self._finalist(
                INT8,
                None,
                1.0,
                search.disturbance(self._int8),
                self._int8,
                self._int8_looks,
                seen,
                unseen,
            )
        )
        between = self._between(ranked, finalists)
        if between and time.monotonic() < self._started + self._options.minutes * 60:
            finalists += self._measure(maker, between, seen, unseen, number)
        chosen = self._choose(finalists)
        model = self._int8 if chosen.choice is None else maker.make(chosen.choice)
        self._say(f"half {number + 1} takes {tell(chosen)}")
        return Half(screened, finalists, chosen, model, len(seen))

    def _measure(
        self,
        maker: CandidateMaker,
        items: Sequence[Screened],
        seen: list[int],
        unseen: list[int],
        number: int,
    ) -> list[Finalist]:
        models = {f"half{number + 1}-{id_of(item)}": maker.make(item.choice) for item in items}
        self._say(f"what {len(items)} of them cost, and find on all pictures:")
        costs = self._cost.confirm(list(models.values()))
        looks = self._trial.look(models)
        found = []
        for item, name, cost in zip(items, models, costs, strict=True):
            found.append(
                self._finalist(
                    name,
                    item.choice,
                    cost,
                    item.disturbance,
                    models[name],
                    looks[name],
                    seen,
                    unseen,
                )
            )
            self._say(f"  {tell(found[-1])}")
        return found

    def _finalist(
        self,
        name: str,
        choice: Choice | None,
        cost: float,
        disturbance: float,
        model: bytes,
        looks: Looks,
        seen: list[int],
        unseen: list[int],
    ) -> Finalist:
        drop, seed = self._trial.drop, self._options.seed
        _, deviation = self._trial.spread(looks, seed, seen)
        _, unseen_deviation = self._trial.spread(looks, seed, unseen)
        return Finalist(
            name,
            choice,
            cost,
            disturbance,
            len(model),
            drop(looks, seen),
            deviation,
            drop(looks, unseen),
            unseen_deviation,
            looks,
        )

    def _choose(self, finalists: Sequence[Finalist]) -> Finalist:
        return choose(finalists, self._options.max_drop, self._trial.power)

    def _between(self, ranked: Sequence[Screened], finalists: Sequence[Finalist]) -> list[Screened]:
        """Those not measured yet that are cheaper than what is chosen so far."""
        chosen = self._choose(finalists)
        known = {item.choice for item in finalists}
        cheaper = [
            item for item in ranked if item.choice not in known and item.cost * ALIKE < chosen.cost
        ]
        return cheaper[-MORE_FINALISTS:]

    def _judge(self) -> None:
        """The drop on pictures that the search had not seen, from the halves searched so far."""
        outcome, limit = self.outcome, self._options.max_drop
        parts = [
            (half.chosen.looks, unseen)
            for half, unseen in zip(outcome.halves, reversed(self._halves), strict=False)
        ]
        looks = self._trial.joined(parts)
        judged = [image for _, unseen in parts for image in unseen]
        outcome.drop = self._trial.drop(looks, judged)
        outcome.interval, _ = self._trial.spread(looks, self._options.seed, judged)
        expected = [half.expected_unseen(self._trial.power) for half in outcome.halves]
        outcome.expected = float(np.mean(expected))
        best, outcome.kept_expected = min(
            zip(outcome.halves, expected, strict=True),
            key=lambda pair: (pair[1] > limit, pair[0].chosen.cost, pair[1]),
        )
        outcome.kept, outcome.model = best.chosen, best.model
        outcome.met = holds(outcome, limit)
        self._say(
            f"best so far {tell(best.chosen)}; on pictures not searched {outcome.drop:.2f} "
            f"points {interval_text(outcome.interval)}, {outcome.expected:.2f} to be expected"
        )


def holds(outcome: Outcome, max_drop: float) -> bool:
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
    measured = [Measured(item.disturbance, item.seen, item.deviation) for item in finalists]
    expected = list(zip(expected_drops(measured, power), finalists, strict=True))
    safe, fit = _cheapest(expected, AIM * max_drop), _cheapest(expected, max_drop)
    if fit is None:
        _, closest = min(expected, key=lambda pair: (pair[0], pair[1].disturbance, pair[1].name))
        return closest
    return safe if safe is not None and safe.cost <= RESERVE * fit.cost else fit


def _cheapest(expected: Sequence[tuple[float, Finalist]], limit: float) -> Finalist | None:
    fit = [item for drop, item in expected if drop <= limit]
    least = min((item.cost for item in fit), default=0.0)
    alike = [item for item in fit if item.cost <= least * ALIKE]
    return min(alike, key=lambda item: (item.disturbance, item.name), default=None)


def spaced(ranked: Sequence[Screened], count: int) -> list[Screened]:
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
    """Raise ``EvaluationError`` where ``pictures`` cannot tell ``max_drop`` from nothing.

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


def id_of(item: Screened) -> str:
    """A short name of a candidate, always the same."""
    import zlib

    return f"{zlib.crc32(item.choice.describe().encode()):08x}"


def tell(item: Finalist) -> str:
    """A finalist in a line."""
    what = "int8 as it is" if item.choice is None else item.choice.describe()
    return (
        f"{item.name}: {item.cost:.3f} times int8's cost, {item.seen:.2f} points lost "
        f"where searched ({what})"
    )


def interval_text(interval: Interval | None) -> str:
    """Of 95 % of resamples, in points."""
    return (
        "" if interval is None else f"(95 % of resamples: {interval[0]:.2f} to {interval[1]:.2f})"
    )
