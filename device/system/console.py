"""The console: messages for the person at the terminal, and the interrupts that end a step."""

from __future__ import annotations

import re
import sys

# Control characters but tab and newline, and what turns the direction of writing.
UNPRINTABLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)

signals_caught: list[int] = []  # the signals that came


def printable(text: str) -> str:
    """``text`` with its control characters spelled out.

    Labels, file names and answers of servers come from elsewhere: an escape sequence in one could
    rename the terminal's window, move its cursor or type for the user.
    """
    return UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def count_of(number: int, noun: str) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def say(message: str) -> None:
    """Tell the person at the terminal; results go to stdout, talk goes to stderr."""
    print(printable(message), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print a result to stdout; what its encoding does not have is spelled out."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    print(shown, flush=True)


def say_step(message: str) -> None:
    """Tell of a step that is done, and end here if Ctrl-C was swallowed on the way.

    The exception that Ctrl-C raises is lost where it meets an ``except`` that catches all in a
    library, or a callback from C++: TensorFlow has both. Raises KeyboardInterrupt.
    """
    if signals_caught:
        raise KeyboardInterrupt
    say(message)
