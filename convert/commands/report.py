"""``python -m convert report``: a page about a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.commands.runner import Commands, debug_flag


def add_report(commands: Commands) -> None:
    """Add the command to the parser."""
    report = commands.add_parser(
        "report",
        help="a page about a bundle: size, accuracy, time, pictures, advice",
        description="Write one HTML page that needs no network, from the bundle's manifest and "
        "from accuracy.json where `evaluate` has left it there.",
    )
    report.add_argument("bundle", type=Path, metavar="BUNDLE")
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: BUNDLE/report.html)"
    )
    report.set_defaults(handler=run_report)
    debug_flag(report)


def run_report(args: argparse.Namespace) -> None:
    """``convert report``."""
    from convert.report.page import report

    print(report(args.bundle, args.out))
