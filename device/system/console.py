"""The console: messages for the person at the terminal, and the interrupts that end a step."""

from __future__ import annotations

import sys

signals_caught: list[int] = []  # the signals that came


def say(message: str) -> None:
    """Tell the person at the terminal; results go to stdout, talk goes to stderr."""
    print(message, file=sys.stderr, flush=True)


def say_step(message: str) -> None:
    """Tell of a step that is done, and end here if Ctrl-C was swallowed on the way.

    The exception that Ctrl-C raises is lost where it meets an ``except`` that catches all in a
    library, or a callback from C++: TensorFlow has both. Raises KeyboardInterrupt.
    """
    if signals_caught:
        raise KeyboardInterrupt
    say(message)
