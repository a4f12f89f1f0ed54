"""``python -m convert evaluate``: how good the variants of a bundle are."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.commands.dataset_flags import add_image_sets, image_sets
from convert.commands.executor_flag import add_executor, looker_of
from device.commands.argument_types import comma_list, non_negative_int, tile_grid
from device.commands.runner import Commands, HelpText, debug_flag
from device.runtimes import PREFERENCE
from device.system.console import say, say_step

EVALUATE_EXAMPLES = """examples:
  python -m convert evaluate build/ssdlite_mobilenet_v2 --images val2017 \\
      --annotations annotations/instances_val2017.json --json accuracy.json
  python -m convert evaluate build/ssdlite_mobilenet_v2 --images ~/Pictures
"""


def add_evaluate(commands: Commands) -> None:
    """Add the command to the parser."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle's accuracy on annotated pictures",
        description="COCO mean average precision of each variant (score threshold 0.001, 100 "
        "detections, by pycocotools), or top-1 and top-5 of a classifier, each with the interval "
        "of 95 % of resamples; without --annotations how far it agrees with float32. The figures "
        "are also left in the bundle, as accuracy.json.",
        epilog=EVALUATE_EXAMPLES,
        formatter_class=HelpText,
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_image_sets(evaluate)
    evaluate.add_argument(
        "--variants",
        "--variant",
        type=comma_list,
        action="extend",
        metavar="A,B",
        help="only these (default: all in the bundle)",
    )
    evaluate.add_argument(
        "--interpreter",
        choices=("auto", *PREFERENCE),
        default="auto",
        help="default: auto",
    )
    evaluate.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws the resamples (default: 0)",
    )
    evaluate.add_argument(
        "--tiles",
        type=tile_grid,
        metavar="CxR",
        help="look at so many overlapping parts of each picture too, as detect --tiles does; the "
        "figures are then not left in the bundle",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    add_executor(evaluate)
    evaluate.set_defaults(handler=run_evaluate)
    debug_flag(evaluate)


def run_evaluate(args: argparse.Namespace) -> None:
    """``convert evaluate``."""
    from convert.evaluation.accuracy import ACCURACY, format_accuracy, write_accuracy
    from convert.evaluation.evaluate import evaluate_bundle
    from device.errors import SinkError
    from device.inference.tiles import Grid

    sets = image_sets(args)
    tiles = None if args.tiles is None else Grid(*args.tiles)
    with looker_of(args) as looker:
        accuracy = evaluate_bundle(
            args.bundle, sets, args.variants, args.interpreter, say_step, args.seed, tiles, looker
        )
    print(format_accuracy(accuracy))
    if tiles is None:  # what is there is of one look a picture, for the report to compare
        try:
            write_accuracy(accuracy, args.bundle / ACCURACY)
        except SinkError as exc:
            say(f"not left in the bundle: {exc}")
    if args.json is not None:
        write_accuracy(accuracy, args.json)
