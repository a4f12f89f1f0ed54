"""The commands of the device: ``python -m device detect`` and its neighbours.

Each has a module of its own, which imports what it needs when it runs: ``--help`` waits for none
of it. Of a command line that begins with a command, the others are not even imported: a run of one
picture takes little longer than a bare script.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from device import __version__
from device.commands.config_file import ConfigurableParser
from device.commands.runner import run_command

COMMANDS = ("detect", "info", "bench", "doctor", "events", "hub", "verify")
"""In the order that ``--help`` lists them; ``NAME`` is added by ``add_NAME`` of its module."""


def make_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The whole command line, or as much of it as reading ``words`` takes."""
    parser = ConfigurableParser(
        prog="python -m device",
        description="Run a liteberry bundle on this machine: no TensorFlow needed.",
    )
    parser.add_argument("--version", action="version", version=f"liteberry {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=ConfigurableParser
    )
    for name in words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS:
        getattr(import_module(f"device.commands.{name}"), f"add_{name}")(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 failure, 2 wrong usage."""
    words = sys.argv[1:] if argv is None else argv
    return run_command(make_parser(words), words)
