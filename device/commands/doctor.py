"""``python -m device doctor``: why it does not run here.

Standard library alone, in the syntax of Python 3.9, like all of :mod:`device.doctor`: on an older
Python than liteberry needs, this is the one command that runs, to say what else is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from device.commands.runner import Commands, debug_flag, run_command
from device.errors import MachineError

MAX_WIDTH = 110
DESCRIPTION = """Look at this machine: system, packages, camera, power, memory, disk, and with a
BUNDLE at its files and variants, or at a model. Each finding comes with what mends it. Nothing is
changed."""


def add_doctor(commands: Commands) -> None:
    """Add the command to the parser."""
    doctor = commands.add_parser(
        "doctor",
        help="what stands between this machine and a run",
        description=DESCRIPTION,
        epilog="Exit status: 0 a run can begin, 1 something would stop it, 2 wrong usage.",
    )
    doctor.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE|MODEL.tflite")
    doctor.add_argument("--json", action="store_true", help="the findings for a program")
    doctor.add_argument(
        "--port", type=_port, metavar="N", help="of the live page, to be checked (default: 8080)"
    )
    debug_flag(doctor)
    doctor.set_defaults(handler=run_doctor)


def _port(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 0 < value < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 65535")
    return value


def run_doctor(args: argparse.Namespace) -> None:
    """``device doctor``."""
    from device.doctor.case import PORT, Case
    from device.doctor.examination import examine
    from device.doctor.report import format_json, format_text

    case = Case.here(args.bundle, args.port or PORT)
    findings = list(examine(case))
    if args.json:
        print(format_json(case, findings))
    else:
        width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ  # no-color.org
        print(format_text(case, findings, width, colour))
    problems = [finding.check for finding in findings if finding.verdict == "problem"]
    if problems:
        raise MachineError(f"a run would be stopped by: {', '.join(dict.fromkeys(problems))}")


def main(argv: Sequence[str] | None = None) -> int:
    """The whole command line where Python is too old for the other commands."""
    parser = argparse.ArgumentParser(prog="python -m device", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_doctor(cast("Commands", commands))
    return run_command(parser, argv)
