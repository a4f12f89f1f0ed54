"""Signals that end a run: who handles them, and what child processes inherit.

A shell starts the jobs it puts behind ``&`` with SIGINT ignored, ``nohup`` its command with
SIGHUP ignored, and what is ignored stays ignored through every ``exec``. So:

- SIGINT and SIGHUP, a terminal's, are left ignored where this process was started so. SIGTERM
  ends a run however that was started.
- Workers of our own inherit the same: they come and go with the run that started them.
- A command of the user's, or a program whose every instruction is counted, begins with default
  signals: :func:`children_begin_with_defaults`.

For the doctor, this is importable on Pythons that the rest is too new for.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

TERMINAL = (signal.SIGINT, signal.SIGHUP)  # Ctrl-C, and a terminal or connection that is gone
ENDING = (*TERMINAL, signal.SIGTERM)

Handler = Callable[[int, Any], object]  # as ``signal.signal`` takes it


def is_ignored(number: int) -> bool:
    """Whether this process ignores a signal."""
    return signal.getsignal(number) is signal.SIG_IGN


def handle_ending(handler: Handler) -> None:
    """Let ``handler`` be called when the run is to end; in the main thread only."""
    for number in ENDING:
        if number == signal.SIGTERM or not is_ignored(number):
            signal.signal(number, handler)


@contextlib.contextmanager
def ending_postponed() -> Iterator[None]:
    """Put off what the signals that end a run do until the block has ended.

    They are noted, not blocked: a child started meanwhile would inherit that. Does nothing in
    other threads than the main one, where no handler runs.
    """
    came: list[int] = []
    # A handler that is not Python's is None, and cannot be put back.
    numbers = [one for one in ENDING if signal.getsignal(one) not in (signal.SIG_IGN, None)]
    try:
        with _handlers(numbers, lambda number, _: came.append(number)):
            yield
    finally:
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextlib.contextmanager
def children_begin_with_defaults() -> Iterator[None]:
    """Start children with default signals, whatever of them this process ignores.

    ``exec`` keeps what is ignored but resets what is handled, so what is ignored is handled
    meanwhile, by doing nothing. (Code between fork and exec would do it too, but is not safe in a
    process with threads.) Does nothing in other threads than the main one.
    """
    with _handlers([one for one in ENDING if is_ignored(one)], _do_nothing):
        yield


@contextlib.contextmanager
def _handlers(numbers: list[signal.Signals], handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _do_nothing(_number: int, _frame: object) -> None:
    pass
