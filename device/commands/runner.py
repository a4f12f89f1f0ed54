"""The runner of commands: what both sides share, such as talk, errors and exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from device.errors import LiteberryError, UsageError
from device.system.console import say, signals_caught
from device.system.signals import handle_ending

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


def debug_flag(command: argparse.ArgumentParser) -> None:
    """Add ``--debug``, which every command has."""
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run_command(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` and call the ``handler`` it selects; returns the exit code.

    0 is success, 1 failure, 2 wrong usage, 130 interrupted. An error raised on purpose is one
    line on stderr, with ``--debug`` its traceback too.
    """
    args = parser.parse_args(argv)
    signals_caught.clear()
    handle_ending(_end)
    try:
        args.handler(args)
        sys.stdout.flush()  # a full disk shows here, not in a traceback at exit
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as exc:
        if signals_caught and not isinstance(exc, ON_PURPOSE):
            return _interrupted()  # of which a library made another exception
        code = _tell(exc, args.debug)
        return _interrupted() if signals_caught else code
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
    signals_caught.append(number)
    raise KeyboardInterrupt
