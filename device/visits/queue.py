"""A queue's expected wait, from how fast it was served so far."""

from __future__ import annotations

from collections import deque

LEAST_DWELL_S = 3.0  # who was there for less walked by, and was not served
LEAST_SERVED = 3  # before anything is expected
REMEMBERED = 10  # services, of which the mean is taken


class ServiceRate:
    """The time that one service takes, learned from departures while somebody waits."""

    def __init__(self) -> None:
        self._busy_s = 0.0  # since the last departure, with somebody there
        self._services_s: deque[float] = deque(maxlen=REMEMBERED)

    def advance(self, elapsed_s: float, waiting: int) -> None:
        """Let ``elapsed_s`` go by with ``waiting`` in the queue."""
        self._busy_s = self._busy_s + elapsed_s if waiting else 0.0

    def leave(self, dwell_s: float) -> None:
        """Note that somebody left after ``dwell_s``."""
        if dwell_s >= LEAST_DWELL_S:
            self._services_s.append(self._busy_s)
            self._busy_s = 0.0

    def wait_s(self, waiting: int) -> float | None:
        """The wait of one who joins ``waiting`` others: all before are served one by one."""
        if len(self._services_s) < LEAST_SERVED:
            return None
        return waiting * sum(self._services_s) / len(self._services_s)
