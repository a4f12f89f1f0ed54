"""Which of the networks tried is kept, judged on pictures that it was not chosen by."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from convert.errors import EvaluationError, TrainingError
from convert.evaluation.bootstrap import Interval
from convert.slimming.held_out import Look, lost
from convert.tuning.drop_model import MeasuredDrop, expected_drops
from convert.tuning.selection import refuse_noise


@dataclass(frozen=True, slots=True)
class Trial:
    """A smaller network as it is judged: ``cost`` a multiple of the whole one's.

    ``distance`` is how far its raw answers are from the whole network's.
    """

    name: str
    cost: float
    distance: float
    look: Look = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The position of what is kept, and what it loses, in points.

    ``drop`` and its ``interval`` are of each half what the other half chose; ``expected`` is with
    luck left out, by what all trials lost for their distance.
    """

    kept: int
    drop: float
    interval: Interval | None
    expected: float

    def keeps(self, max_drop: float) -> bool:
        """Whether it is expected to, and what was measured does not refute it."""
        least = self.drop if self.interval is None else self.interval[0]
        return max(self.expected, least) <= max_drop


def judge(whole: Look, trials: Sequence[Trial], max_drop: float, seed: int) -> Judgement:
    """Let each half of the pictures choose the cheapest trial within ``max_drop`` points.

    What a half chose is measured on the other, and the dearer of the two is kept. Raises
    ``EvaluationError`` where the pictures cannot tell such a drop, with how many could.
    """
    order = list(range(whole.images))
    random.Random(seed).shuffle(order)
    halves = sorted(order[::2]), sorted(order[1::2])
    least = min(trials, key=lambda item: item.distance)
    refuse_noise(max_drop, lost(whole, least.look, seed)[2], whole.images)
    chosen, unseen = [], []
    for seen, other in (halves, halves[::-1]):
        measured = [measure(whole, item, seed, seen) for item in trials]
        chosen.append(cheapest(trials, expected_drops(measured, 1.0), max_drop))
        unseen.append(lost(whole, trials[chosen[-1]].look, seed, other))
    kept = max(chosen, key=lambda at: trials[at].cost)
    drops = expected_of(whole, trials, seed)
    if chosen[0] == chosen[1]:
        drop, interval, _ = lost(whole, trials[kept].look, seed)
    else:
        drop = sum(item[0] for item in unseen) / 2
        interval = unseen[chosen.index(kept)][1]
    return Judgement(kept, drop, interval, drops[kept])


def in_turn(
    whole: Look, trials: Sequence[Trial], max_drop: float | None, seed: int
) -> Iterator[Judgement]:
    """The trials that keep ``max_drop`` points: the one that :func:`judge` keeps, then dearer ones.

    Where nothing was promised, the last trial alone. Raises ``EvaluationError`` where none keeps
    the promise, with the closest, and ``TrainingError`` where there is none.
    """
    if not trials:
        raise TrainingError("not one smaller network was finished: give it more --minutes")
    if max_drop is None:
        drop, interval, _ = lost(whole, trials[-1].look, seed)
        yield Judgement(len(trials) - 1, drop, interval, drop)
        return
    chosen = judge(whole, trials, max_drop, seed)
    least = trials[chosen.kept].cost
    expected = expected_of(whole, trials, seed)
    judged = [chosen]
    for at in sorted(range(len(trials)), key=lambda at: trials[at].cost):
        if trials[at].cost > least:
            drop, interval, _ = lost(whole, trials[at].look, seed)
            judged.append(Judgement(at, drop, interval, expected[at]))
    kept = [item for item in judged if item.keeps(max_drop)]
    if not kept:
        closest = trials[chosen.kept]
        raise EvaluationError(
            f"nothing keeps --max-drop {max_drop:g}: the closest, {closest.name} at "
            f"{closest.cost:.3f} times the cost, is expected to lose {chosen.expected:.2f} points "
            f"and lost {chosen.drop:.2f} where it was not chosen; more --minutes, more --epochs, "
            "more pictures, or --resume with a larger --max-drop may help"
        )
    yield from kept


def expected_of(whole: Look, trials: Sequence[Trial], seed: int) -> list[float]:
    """Points that each of ``trials`` is expected to lose, by what all lost for their distance."""
    return expected_drops([measure(whole, item, seed, None) for item in trials], 1.0)


def measure(whole: Look, trial: Trial, seed: int, images: Sequence[int] | None) -> MeasuredDrop:
    """What ``trial`` loses on ``images`` (None: all), beside its distance."""
    drop, _, deviation = lost(whole, trial.look, seed, images)
    return MeasuredDrop(trial.distance, drop, deviation)


def cheapest(trials: Sequence[Trial], expected: Sequence[float], max_drop: float) -> int:
    """The position of the cheapest trial expected to keep ``max_drop``; of the closest if none.

    Raises ``EvaluationError`` where nothing was tried.
    """
    if not trials:
        raise EvaluationError("not one smaller network was made: give it more --minutes")
    fitting = [at for at, drop in enumerate(expected) if drop <= max_drop]
    if not fitting:
        return min(range(len(trials)), key=lambda at: expected[at])
    return min(fitting, key=lambda at: trials[at].cost)
