"""Notices: what is told once, and no more of it than a log and the memory can take."""

from __future__ import annotations

from collections.abc import Callable


class Notices:
    """A teller of messages that strangers may cause: each once, and ``most`` at all."""

    def __init__(self, say: Callable[[str], None], most: int) -> None:
        self._say = say
        self._most = most
        self.told: set[str] = set()

    def tell(self, message: str) -> None:
        """Say ``message``, unless it was said, or as many as there may be."""
        if message not in self.told and len(self.told) < self._most:
            self.told.add(message)
            self._say(message)
