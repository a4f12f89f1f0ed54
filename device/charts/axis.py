"""Axes of charts: from numbers to pixels, with ticks that people count in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers ``low`` to ``high`` on pixels ``start`` to ``end``, which may run backwards."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of ``value``; what lies outside the axis is held at its nearer end."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def round_axis(values: Sequence[float], start: float, end: float, intervals: int = 4) -> Axis:
    """A linear axis that holds all ``values`` between two round numbers.

    Raises ``ValueError`` for no values.
    """
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    magnitude = 10.0 ** math.floor(math.log10((high - low) / intervals))
    rough = (high - low) / intervals / magnitude
    step = magnitude * next(size for size in ROUND_STEPS if size >= rough - 1e-9)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # Rounded to the step's own digits: 3 * 0.1 is written 0.3.
    ticks = tuple(round(count * step, 12) for count in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def log_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """A logarithmic axis from the round number below all ``values`` to the greatest of them.

    Values are positive. Raises ``ValueError`` for none.
    """
    low = 10.0 ** math.floor(math.log10(min(values) * 0.8))
    high = max(values)
    decades = range(round(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 3) if len(decades) <= 4 else (1,)
    ticks = (round(factor * 10.0**decade, 12) for decade in decades for factor in factors)
    return Axis(low, high, start, end, tuple(tick for tick in ticks if tick <= high), log=True)


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move ``positions`` as little as leaves ``gap`` between any two, in their order."""
    order = sorted(range(len(positions)), key=lambda number: positions[number])
    groups: list[list[int]] = []
    for number in order:
        groups.append([number])
        while len(groups) > 1:
            left, right = groups[-2], groups[-1]
            reach = (len(left) + len(right)) / 2 * gap
            if _centre(right, positions) - _centre(left, positions) >= reach:
                break
            groups[-2:] = [left + right]
    moved = list(positions)
    for group in groups:
        centre = _centre(group, positions)
        for place, number in enumerate(group):
            moved[number] = centre + (place - (len(group) - 1) / 2) * gap
    return moved


def _centre(group: Sequence[int], positions: Sequence[float]) -> float:
    return sum(positions[number] for number in group) / len(group)
