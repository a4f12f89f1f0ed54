"""What convolutions as two would spare: `python benchmarks/low_rank.py BUNDLE`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).parents[1]))

from convert.compression.cost_model import Board, network_instructions
from convert.compression.low_rank import split_paying
from convert.models.architecture import REDUCE
from convert.models.layer_weights import kernel_shapes, parameters

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)


def main() -> None:
    """Print a table: per board and share, layers split, instructions and parameters left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle whose weights can be trained")
    bundle = parser.parse_args().bundle
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from convert.slimming.original import open_bundle, read_original

    original = read_original(open_bundle(bundle), None)
    print("board  left out  layers  instructions  parameters")
    for board in get_args(Board):
        whole = network_instructions(kernel_shapes(original.weights), original.size, board)
        for share in SHARES:
            made = split_paying(original.weights, original.size, board, share)
            cost = network_instructions(kernel_shapes(made), original.size, board) / whole
            left = parameters(made) / parameters(original.weights)
            layers = sum(name.endswith(REDUCE) for name in made)
            print(f"{board:5}  {share:8.2f}  {layers:6}  {cost:12.3f}  {left:10.3f}")


if __name__ == "__main__":
    main()
