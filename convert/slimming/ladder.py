"""The order in which smaller networks are tried: pixels, convolutions split in two, channels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convert.models.anchors import FINEST_STRIDE, PUBLISHED_PIXELS, sides_alike

# All are halved as the published side is, down to the finest map.
SIZES: tuple[int, ...] = tuple(range(sides_alike(96)[0], PUBLISHED_PIXELS, FINEST_STRIDE))
# Where little is learnt at a side, 252 is left out: 236, which costs less, starts better (COCO's
# mAP is 0.274 for 0.265: docs/slim.md).
STARTS_WORSE = 252
NARROWER = 0.75  # of a cost: what a step leaves of it in channels, trained before the next, and
# what a side must cost of one that is asked for. COCO's network, by 326 unlabelled pictures, at 236
# pixels (0.63 of the cost) came twice as near to the whole as with channels taken to 0.8.
# Where labels teach, channels go with the pixels: of the logarithm of a cost, pixels are this share
# (docs/slim.md). At once channels go down to no less than MOST_CUT of a side's cost.
PIXELS_SHARE = 0.65
MOST_CUT = NARROWER**2
LEFT_OUT = 0.05  # of a 1x1 kernel's squares, for two in its place: spares a thirteenth of COCO's
# instructions on a Pi 4, a twentieth on a Pi 5 (benchmarks/low_rank.py)
LEAST_COST = 0.02  # nothing of an SSDLite is left below
NEAR = 1.03  # times a cost: as good as reached

SizeCost = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Move:
    """A network to make: input side, and its cost as a multiple of the original's.

    ``cost`` None is as many channels as the parent has. ``parent``: the outcome it is made
    from, by position; -1 is the original. ``left_out``: share of a 1x1 kernel that two in its place
    may leave out; 0 splits none.
    """

    size: int
    cost: float | None
    parent: int = -1
    left_out: float = 0.0

    @property
    def name(self) -> str:
        """Such as ``160px``, ``160px-lowrank``, or ``160px-20``, per cent of the cost."""
        if self.cost is None:
            return f"{self.size}px" + ("-lowrank" if self.left_out else "")
        percent = 100 * self.cost
        return f"{self.size}px-{percent:.0f}" if percent >= 10 else f"{self.size}px-{percent:.1f}"


@dataclass(frozen=True, slots=True)
class Rung:
    """A move, what it costs as a multiple of the original's, and the points it loses."""

    move: Move
    cost: float
    drop: float


def next_within(
    history: Sequence[Rung],
    size: int,
    max_drop: float,
    cost: SizeCost,
    fixed: bool = False,
    left_out: float = LEFT_OUT,
    mixed: bool = False,
) -> Move | None:
    """The next network to try for the cheapest that loses at most ``max_drop`` points.

    ``size`` is the original's; ``cost`` says what the original costs at another size, as a
    multiple. Of the sizes the middle one is tried, then the middle of those left above it or below:
    small networks are trained in a tenth of the time, so large ones are only where those lose too
    much. The best of them has its 1x1 convolutions split (``left_out`` as of :class:`Move`), and
    from the best of all channels go in steps until too much is lost. ``fixed``: ``size`` was asked
    for, and stays. ``mixed``: channels go with the pixels, as :func:`mixed_cost` says. None where
    nothing is left to try.
    """
    # With mixed ones, a side is the first step from the original.
    narrowed = [
        item
        for item in history
        if item.move.cost is not None and (item.move.parent >= 0 or item.move.size == size)
    ]
    if not narrowed and not fixed:
        found = _next_size(history, size, max_drop, cost, mixed)
        if found is not None:
            return found
    if fixed and not history and cost(size) < 1:
        return Move(size, None)
    if narrowed and narrowed[-1].drop > max_drop:
        return None
    good = [at for at, item in enumerate(history) if item.drop <= max_drop]
    if fixed and cost(size) < 1 and not good:
        return None
    best = min(good, key=lambda at: history[at].cost, default=-1)
    side, share = (history[best].move.size, history[best].cost) if good else (size, 1.0)
    split = {at: item for at, item in enumerate(history) if item.move.left_out}
    tried = best in split or best in [item.move.parent for item in split.values()]
    if left_out and not narrowed and not tried:
        return Move(side, None, best, left_out)
    goal = share * NARROWER
    return Move(side, goal, best) if goal >= LEAST_COST else None


def _next_size(
    history: Sequence[Rung], size: int, max_drop: float, cost: SizeCost, mixed: bool
) -> Move | None:
    unsplit = [at for at, item in enumerate(history) if not item.move.left_out]
    tried = {history[at].move.size: history[at] for at in unsplit}
    good = [side for side, item in tried.items() if item.drop <= max_drop]
    least = min(good, default=size)
    bad = [side for side, item in tried.items() if item.drop > max_drop]
    worst = max(bad, default=0)
    parent = next((at for at in unsplit if history[at].move.size == least), -1)
    between = [side for side in _sides(mixed) if worst < side < least and side not in tried]
    if not between:
        return None
    side = between[len(between) // 2]
    return Move(side, mixed_cost(cost(side))) if mixed else Move(side, None, parent)


def _sides(mixed: bool) -> tuple[int, ...]:
    return SIZES if mixed else tuple(side for side in SIZES if side != STARTS_WORSE)


def mixed_cost(side_cost: float) -> float:
    """What is left of the original's cost where channels go with the pixels of a side.

    ``side_cost`` is that of the side with all channels; both are multiples of the original's.
    """
    return float(max(side_cost ** (1 / PIXELS_SHARE), side_cost * MOST_CUT))


def next_towards(
    history: Sequence[Rung],
    goals: Sequence[float],
    size: int,
    cost: SizeCost,
    fixed: bool = False,
    mixed: bool = False,
) -> Move | None:
    """The next network on the way to each of ``goals``, costs from dear to cheap.

    ``size``, ``cost``, ``fixed`` and ``mixed`` as of :func:`next_within`. Sides first: channels go
    where no side costs about as much, in steps that are each trained, or with the pixels where they
    are mixed. None where all goals are reached.
    """
    at = history[-1].move.size if history else size
    last = history[-1].cost if history else cost(at)
    ahead = [goal for goal in sorted(goals, reverse=True) if last > goal * NEAR]
    if fixed and not history and last < 1:
        at_once = mixed and bool(ahead) and ahead[0] >= last * MOST_CUT
        return Move(size, ahead[0] if at_once else None)  # else it is learnt before channels go
    if not ahead:
        return None
    goal = ahead[0]
    if mixed and not fixed:
        within = [side for side in SIZES if side < at and mixed_cost(cost(side)) <= NEAR * goal]
        side = max(within, default=0)
        if within and cost(side) >= NARROWER * goal:  # of a larger original, 284 may cost little
            return Move(side, goal if cost(side) > NEAR * goal else None)
    side = at if fixed else size_for(goal, size, cost)
    if side < at:
        return Move(side, None, len(history) - 1)
    return Move(at, last * (goal / last) ** (1 / _steps(last, goal)), len(history) - 1)


def _steps(cost: float, goal: float) -> int:
    """In how many equal steps, of about :data:`NARROWER`, channels go from ``cost`` to ``goal``.

    Each is trained: a last one of a hundredth of the cost once took as long, and lost points.
    """
    return max(1, round(math.log(goal / cost) / math.log(NARROWER)))


def steps_towards(
    goals: Sequence[float], size: int, cost: SizeCost, fixed: bool = False, mixed: bool = False
) -> int:
    """How many networks :func:`next_towards` tries."""
    history: list[Rung] = []
    while (move := next_towards(history, goals, size, cost, fixed, mixed)) is not None:
        history.append(Rung(move, cost(move.size) if move.cost is None else move.cost, 0.0))
    return len(history)


def size_for(goal: float, size: int, cost: SizeCost) -> int:
    """The side for a network of cost ``goal``: the largest within it that nearly uses it up.

    Where that would leave too much of it unused, the next larger, whose channels are to go; at
    most ``size``.
    """
    sides = [side for side in (*_sides(mixed=False), size) if side <= size]
    within = [side for side in sides if cost(side) <= NEAR * goal]
    if within and cost(max(within)) >= NARROWER * goal:
        return max(within)
    return min((side for side in sides if side not in within), default=size)
