"""``python -m convert prelabel``: what a network believes of images, as labels to be corrected."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.annotations.label_formats import WRITTEN_FORMATS
from device.commands.argument_types import comma_list, number
from device.commands.runner import Commands, HelpText, debug_flag
from device.errors import UsageError
from device.system.console import say

PRELABEL_EXAMPLES = """examples:
  python -m convert prelabel pictures/ --bundle build/ssdlite_mobilenet_v2 --classes cat,dog
  python -m convert prelabel pictures/ --bundle build/mine --format coco
"""
NAMED = 3


def add_prelabel(commands: Commands) -> None:
    """Add the command to the parser."""
    prelabel = commands.add_parser(
        "prelabel",
        help="label pictures with what a network believes, to be corrected by hand",
        description="Runs a bundle on every picture of a folder and writes labels beside them: "
        "Pascal VOC XML (for LabelImg), YOLO text with classes.txt, or one COCO JSON (for CVAT and "
        "Label Studio). Label files that are there already are never touched.",
        epilog=PRELABEL_EXAMPLES,
        formatter_class=HelpText,
    )
    prelabel.add_argument("folder", type=Path, metavar="DIR", help="folder of pictures")
    prelabel.add_argument("--bundle", type=Path, required=True, help="the bundle that is believed")
    prelabel.add_argument("--format", choices=WRITTEN_FORMATS, default="voc", help="default: voc")
    prelabel.add_argument(
        "--threshold", type=_share, metavar="T", help="least score, 0 to 1 (default: the bundle's)"
    )
    prelabel.add_argument(
        "--classes", type=comma_list, metavar="A,B", help="these only (default: all it knows)"
    )
    debug_flag(prelabel)
    prelabel.set_defaults(handler=run_prelabel)


def _share(text: str) -> float:
    value = number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1, such as 0.4")
    return value


def run_prelabel(args: argparse.Namespace) -> None:
    """``convert prelabel``."""
    from convert.training.prelabel import prelabel
    from device.bundle.bundle import Bundle
    from device.bundle.labels import class_ids, is_placeholder
    from device.inference.engine import Engine

    bundle = Bundle(args.bundle)
    if bundle.manifest.task != "detection":
        raise UsageError(f"{args.bundle} is a classifier, which finds no boxes to label")
    classes = [label for label in bundle.labels if not is_placeholder(label)]
    if args.classes is not None:
        classes = [bundle.labels[number] for number in class_ids(args.classes, bundle.labels)]
    with Engine(bundle, threshold=args.threshold) as engine:
        result = prelabel(engine, args.folder, args.format, classes)
    say(
        f"{result.boxes} boxes on {len(result.annotated)} pictures, as {args.format}: correct them "
        "before training"
    )
    if result.labelled_before:
        say(f"{result.labelled_before} pictures have labels already, and keep them")
    for reason in result.unreadable[:NAMED]:
        say(f"warning: passed over: {reason}")
    if len(result.unreadable) > NAMED:
        say(f"warning: passed over: {len(result.unreadable) - NAMED} more that cannot be read")
