from __future__ import annotations

import asyncio
from types import SimpleNamespace

from device.web.board_state import STATE_AGE_S, BoardState


def test_board_is_read_again_only_when_the_last_reading_is_old(monkeypatch):
    now_s, readings = 0.0, iter(("first", "second"))
    monkeypatch.setattr("device.web.board_state.read_state", lambda: next(readings))
    monkeypatch.setattr("device.web.board_state.time", SimpleNamespace(monotonic=lambda: now_s))
    board = BoardState()
    with asyncio.Runner() as runner:
        assert runner.run(board.read()) == "first"
        now_s = STATE_AGE_S
        assert runner.run(board.read()) == "first"
        now_s = STATE_AGE_S + 0.1
        assert runner.run(board.read()) == "second"
