"""``python -m convert zoo``: the models that have names."""

from __future__ import annotations

import argparse

from convert.models.zoo import MODELS
from device.commands.runner import Commands, debug_flag


def add_zoo(commands: Commands) -> None:
    """Add the command to the parser."""
    zoo = commands.add_parser(
        "zoo", help="the models that can be named", description="List the models of the zoo."
    )
    zoo.set_defaults(handler=run_zoo)
    debug_flag(zoo)


def run_zoo(_args: argparse.Namespace) -> None:
    """``convert zoo``."""
    for model in MODELS.values():
        print(f"{model.name}\n  {model.title}; {model.licence}")
        for source in model.sources:
            print(f"  from {source}")
