"""The commands of the device: ``python -m device detect`` and its neighbours.

Each has a module of its own, which imports what it needs when it runs: ``--help`` waits for none
of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from device import __version__
from device.commands.bench import add_bench
from device.commands.config_file import ConfigurableParser
from device.commands.detect import add_detect
from device.commands.doctor import add_doctor
from device.commands.events import add_events
from device.commands.hub import add_hub
from device.commands.info import add_info
from device.commands.runner import run_command
from device.commands.verify import add_verify


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = ConfigurableParser(
        prog="python -m device",
        description="Run a liteberry bundle on this machine: no TensorFlow needed.",
    )
    parser.add_argument("--version", action="version", version=f"liteberry {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=ConfigurableParser
    )
    for add in (add_detect, add_info, add_bench, add_doctor, add_events, add_hub, add_verify):
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 failure, 2 wrong usage."""
    return run_command(make_parser(), argv)
