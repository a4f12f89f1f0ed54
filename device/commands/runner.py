"""What the commands of both sides share: flags' types, talk, errors and exit codes."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from device.errors import LiteberryError, UsageError

MAX_THREADS = 64
ON_PURPOSE = (LiteberryError, OSError)  # a tuple: the doctor runs on Pythons without unions too
INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended


if TYPE_CHECKING:
    from device.commands.config_file import ConfigurableParser

    Commands = argparse._SubParsersAction[ConfigurableParser]
else:
    Commands = object


class HelpText(argparse.HelpFormatter):
    """Wraps a command's description, and leaves the lines of its examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


_asked_to_end: list[int] = []  # the signals that came


def say(message: str) -> None:
    """Tell the person at the terminal; results go to stdout, talk goes to stderr."""
    print(message, file=sys.stderr, flush=True)


def say_step(message: str) -> None:
    """Tell of a step that is done, and end here if Ctrl-C was swallowed on the way.

    The exception that Ctrl-C raises is lost where it meets an ``except`` that catches all in a
    library, or a callback from C++: TensorFlow has both. Raises KeyboardInterrupt.
    """
    if _asked_to_end:
        raise KeyboardInterrupt
    say(message)


def count(text: str) -> int:
    """A flag's value that must be a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def threads(text: str) -> int:
    """A flag's value that is a number of threads; interpreters crash on absurd ones."""
    value = count(text)
    if value > MAX_THREADS:
        raise argparse.ArgumentTypeError(f"{value} is more than {MAX_THREADS}")
    return value


def positive(text: str) -> float:
    """A flag's value that is a number above 0, such as seconds or megabytes."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def words(text: str) -> list[str]:
    """A flag's value that is a list, with commas between: at least one, none of them empty."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError("an empty name: names are expected, with commas between")
    return parts


def size_wh(text: str) -> tuple[int, int]:
    """A flag's value that is a width and a height in pixels."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text} is not width x height, such as 1280x720")
    return int(width), int(height)


def seed(text: str) -> int:
    """A flag's value that seeds a random generator: a whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def debug_flag(command: argparse.ArgumentParser) -> None:
    """Add ``--debug``, which every command has."""
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run_command(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` and call the ``handler`` it selects; returns the exit code.

    0 is success, 1 failure, 2 wrong usage, 130 interrupted. An error raised on purpose is one
    line on stderr, with ``--debug`` its traceback too.
    """
    args = parser.parse_args(argv)
    _asked_to_end.clear()
    for number in (signal.SIGINT, signal.SIGTERM):  # ended by either, cleaned up
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell asks for its `&` jobs
            signal.signal(number, _end)
    try:
        args.handler(args)
        sys.stdout.flush()  # a full disk shows here, not in a traceback at exit
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as exc:
        if _asked_to_end and not isinstance(exc, ON_PURPOSE):
            return _interrupted()  # of which a library made another exception
        code = _tell(exc, args.debug)
        return _interrupted() if _asked_to_end else code
    return 0


def _tell(exc: Exception, debug: bool) -> int:
    """Say what was raised on purpose, or raise what was not; returns the exit code."""
    if not isinstance(exc, ON_PURPOSE):
        raise exc
    if debug and isinstance(exc, LiteberryError):
        import traceback

        traceback.print_exc()
    say(f"error: {exc}")  # an OSError is of stdout, closed or full; files have errors of their own
    return 2 if isinstance(exc, UsageError) else 1


def _interrupted() -> int:
    say("interrupted: nothing was left half-written")
    return INTERRUPTED


def _end(number: int, _: FrameType | None) -> None:
    _asked_to_end.append(number)
    raise KeyboardInterrupt
