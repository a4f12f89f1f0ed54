"""``python -m convert dataset``: labelled images, checked before training and shown on a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.commands.argument_types import non_negative_int
from device.commands.runner import Commands, HelpText, debug_flag
from device.system.console import say

DATASET_EXAMPLES = """examples:
  python -m convert dataset my_pictures
  python -m convert dataset export_from_cvat --html labels.html
"""


def add_dataset(commands: Commands) -> None:
    """Add the command to the parser."""
    dataset = commands.add_parser(
        "dataset",
        help="check labelled images before training on them, and see them on a page",
        description="Reads labels as Pascal VOC XML, YOLO text, COCO JSON, the Object Detection "
        "API's CSV or a folder per class, says what was left out or mended and why, and writes a "
        "page with the boxes drawn. Nothing is changed.",
        epilog=DATASET_EXAMPLES,
        formatter_class=HelpText,
    )
    dataset.add_argument("dataset", type=Path, metavar="DATASET", help="folder of labelled images")
    dataset.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="the page (default: build/NAME-dataset.html, by the folder's name)",
    )
    dataset.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws the split, where there is none, and the images shown (default: 0)",
    )
    debug_flag(dataset)
    dataset.set_defaults(handler=run_dataset)


def run_dataset(args: argparse.Namespace) -> None:
    """``convert dataset``."""
    from convert.report.contact_sheet import write_contact_sheet
    from convert.training.dataset import read_dataset

    name = args.dataset.resolve().name
    path = args.html or Path("build") / f"{name}-dataset.html"
    found = read_dataset(args.dataset, args.seed, say)
    say(f"classes     {len(found.classes)}: {', '.join(found.classes[:8])}")
    write_contact_sheet(found, name, path, args.seed)
    print(path)
