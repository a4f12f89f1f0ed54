"""A memory limit: ends the run when the process has grown past it."""

from __future__ import annotations

from device.errors import SinkError
from device.outputs.base import Sink
from device.records import Outcome


class MemoryLimit(Sink):
    """A limit on resident memory that ends the run: Pi OS enforces none on a service."""

    def __init__(self, limit_mb: float) -> None:
        self._limit_mb = limit_mb

    def write(self, outcome: Outcome) -> None:
        """Raises ``SinkError`` when the process has more resident than it may."""
        if outcome.rss_mb > self._limit_mb:
            raise SinkError(
                f"{outcome.rss_mb:.0f} MB are resident, and --memory-limit is "
                f"{self._limit_mb:.0f} MB: the run ends before the whole machine suffers"
            )

    def close(self) -> None:
        """Nothing is held."""
