"""The commands of the laptop: ``python -m convert build``, ``evaluate``, ``tune``, ``report``...

Each has a module of its own, which imports what it needs when it runs: ``--help`` waits for none
of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from convert.commands.build import add_build
from convert.commands.dataset import add_dataset
from convert.commands.evaluate import add_evaluate
from convert.commands.prelabel import add_prelabel
from convert.commands.report import add_report
from convert.commands.slim import add_slim
from convert.commands.train import add_train
from convert.commands.tune import add_tune
from convert.commands.zoo import add_zoo
from device import __version__
from device.commands.config_file import ConfigurableParser
from device.commands.runner import run_command


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = ConfigurableParser(
        prog="python -m convert",
        description="Turn MobileNetV2 weights into measured TFLite variants, in one bundle.",
    )
    parser.add_argument("--version", action="version", version=f"liteberry {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=ConfigurableParser
    )
    for add in (
        add_build, add_train, add_dataset, add_prelabel,
        add_slim, add_evaluate, add_tune, add_report, add_zoo,
    ):  # fmt: skip
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 failure, 2 wrong usage, 130 interrupted."""
    return run_command(make_parser(), argv)
