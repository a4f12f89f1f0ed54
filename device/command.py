"""What the commands of both sides share: flags' types, talk, errors and exit codes."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence

from device.errors import LiteberryError, UsageError

MAX_THREADS = 64
INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended


def say(message: str) -> None:
    """Tell the person at the terminal; results go to stdout, talk goes to stderr."""
    print(message, file=sys.stderr, flush=True)


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


def seed(text: str) -> int:
    """A flag's value that seeds a random generator: a whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def run_command(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` and call the ``run`` it selects; returns the exit code.

    0 is success, 1 failure, 2 wrong usage, 130 interrupted. An error raised on purpose is one
    line on stderr, with ``--debug`` its traceback too.
    """
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # ended by either, cleaned up
    try:
        args.run(args)
        sys.stdout.flush()  # a full disk shows here, not in a traceback at exit
    except LiteberryError as exc:
        if args.debug:
            traceback.print_exc()
        say(f"error: {exc}")
        return 2 if isinstance(exc, UsageError) else 1
    except OSError as exc:  # stdout closed or full; files have errors of their own
        say(f"error: {exc}")
        return 1
    except KeyboardInterrupt:
        say("interrupted: nothing was left half-written")
        return INTERRUPTED
    return 0
