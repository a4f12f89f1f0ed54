"""The state of the board, for viewers who all ask at once."""

from __future__ import annotations

import asyncio
import time

from device.system.board import State, read_state

STATE_AGE_S = 2.0  # asking a Pi how it is doing starts a process


class BoardState:
    """The state of the board, read no more often than it changes."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._read_at_s = 0.0

    async def read(self) -> State:
        """As of the last two seconds."""
        if self._state is None or time.monotonic() - self._read_at_s > STATE_AGE_S:
            self._state = await asyncio.to_thread(read_state)
            self._read_at_s = time.monotonic()
        return self._state
