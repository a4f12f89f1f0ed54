"""The schedule: how far training is, and the learning rate and averaging that go with it."""

from __future__ import annotations

from dataclasses import dataclass

PEAK_RATE = 1e-3
LAST_RATE = 0.01  # of the peak
# What is kept is found at a third of the peak and below: six playing cards stayed at 0.5 mAP above
# it. A cosine comes there after 61 % of the time, a square after 43 %.
POWER = 2
WARM_UP_STEPS = 60
EMA_DECAY = 0.998


@dataclass(frozen=True, slots=True)
class Budget:
    """How long training may take: so many steps, so many seconds, or what ends first of both.

    Steps alone give the same network again from the same seed; seconds are what a person has.
    """

    steps: int | None = None
    seconds: float | None = None

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the budget that is used up, 0..1."""
        by_steps = 0.0 if self.steps is None else step / self.steps
        by_seconds = 0.0 if self.seconds is None else elapsed_s / self.seconds
        return min(1.0, max(by_steps, by_seconds))


def learning_rate(step: int, progress: float, peak: float = PEAK_RATE) -> float:
    """Linear warm-up, then the square of what is left of the budget, to 1 % of ``peak``.

    The polynomial decay of Liu et al. 2015, arXiv:1506.04579, of another power.
    """
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    left = (1 - progress) ** POWER
    return peak * warm * (LAST_RATE + (1 - LAST_RATE) * left)


def ema_decay(step: int) -> float:
    """Share of the average that stays at each step; less at first, when there is no average yet."""
    return min(EMA_DECAY, (1 + step) / (10 + step))
