"""Turns of several cameras at one network.

A camera's score is how long ago its last turn began, times its priority; of the cameras that wait,
the one with the highest score comes next. So cameras of one priority are served in turn, one of
twice the priority about twice as often, and none starves: a wait only grows. A camera that has no
frame does not wait, and costs the others nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Turns:
    """The turns at a network that several threads share."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells seconds."""
        self.clock = clock
        self.changed = threading.Condition()
        self.holder: Turn | None = None
        self.waiting: list[Turn] = []  # in the order in which they came

    def join(self, priority: float = 1.0) -> Turn:
        """A turn for one more camera."""
        return Turn(self, priority)

    def hand_on(self, kept_by: Turn | None = None) -> None:
        """Give the network to who is due, with the lock held.

        ``kept_by`` goes before the others where its score is the highest all the same.
        """
        now_s = self.clock()
        if not self.waiting:
            self.holder = None
            return
        candidates = [*self.waiting, *([] if kept_by is None else [kept_by])]
        self.holder = max(candidates, key=lambda turn: turn.score(now_s))
        self.changed.notify_all()


class Turn:
    """A camera's turn: a context in which its thread has the network to itself.

    Where its priority makes it due again at the end, it is kept for the next frame, so that it has
    to be let go by :meth:`pass_on` before its thread waits for something else.
    """

    def __init__(self, turns: Turns, priority: float) -> None:
        self._turns = turns
        self._priority = priority
        self._began_s = turns.clock()

    def score(self, now_s: float) -> float:
        """How urgent it is at ``now_s``."""
        return (now_s - self._began_s) * self._priority

    def __enter__(self) -> Self:
        turns = self._turns
        with turns.changed:
            if turns.holder is not self:
                turns.waiting.append(self)
                if turns.holder is None:
                    turns.hand_on()
                turns.changed.wait_for(lambda: turns.holder is self)
                turns.waiting.remove(self)
            self._began_s = turns.clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._turns.changed:
            self._turns.hand_on(kept_by=self)

    def pass_on(self) -> None:
        """Let go of a turn that was kept."""
        turns = self._turns
        if turns.holder is self:  # which no other thread changes
            with turns.changed:
                turns.hand_on()
