"""Flags for the weights of int8: fewer values, fewer bits."""

from __future__ import annotations

import argparse

from convert.quantization.candidate_spec import WeightBits
from device.commands.argument_types import positive_int
from device.errors import UsageError

FEWEST, MOST = 2, 128  # clusters: weights of 8 bits have 255 values
MOST_IN_4_BITS = 14  # of 15


def add_weight_flags(command: argparse.ArgumentParser) -> None:
    """Let ``command`` take them."""
    command.add_argument(
        "--weight-clusters",
        type=positive_int,
        metavar="N",
        help=f"the weights of each layer of int8 take at most N values, {FEWEST} to {MOST}: the "
        "file is as large and as fast, but packs smaller for the way to the Pi (default: any "
        "number)",
    )
    command.add_argument(
        "--int4",
        action="store_true",
        default=None,
        help="int8 keeps weights of convolutions, but for depthwise ones, in 4 bits: a smaller "
        "file, which interpreters unpack at each invoke; slower, and less accurate",
    )


def weight_bits_of(args: argparse.Namespace) -> WeightBits:
    """The bits that ``args`` ask for. Raises ``UsageError`` for flags that make no sense."""
    clusters, most = args.weight_clusters, MOST_IN_4_BITS if args.int4 else MOST
    if clusters is not None and not FEWEST <= clusters <= most:
        with_int4 = " with --int4" if args.int4 else ""
        raise UsageError(f"--weight-clusters {clusters}: expected {FEWEST} to {most}{with_int4}")
    return 4 if args.int4 else 8
