"""The flag ``--executor``: pictures are looked at by workers on other machines."""

from __future__ import annotations

import argparse
import contextlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convert.evaluation.predict import Looker

ADDRESS = re.compile(r"(?:tcp|tls)://(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")


def add_executor(command: argparse.ArgumentParser) -> None:
    """Add the flag to a command."""
    command.add_argument(
        "--executor",
        type=_address,
        metavar="tcp://HOST:8786",
        help="have pictures looked at by the workers of this Dask scheduler, with the same results "
        "(default: by processes of this machine); see docs/fleet.md",
    )


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text}: a scheduler is tcp://HOST:PORT, port often 8786")
    return text


def looker_of(args: argparse.Namespace) -> contextlib.AbstractContextManager[Looker | None]:
    """The block that has who looks at the pictures, as the flag asks for; None: this machine."""
    if args.executor is None:
        return contextlib.nullcontext()
    from convert.evaluation.workers import looker_at

    return looker_at(args.executor)
