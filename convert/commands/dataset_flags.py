"""Flags of datasets: folders of pictures, each with what its pictures show."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.errors import UsageError


def add_image_sets(command: argparse.ArgumentParser) -> None:
    """Add ``--images`` and ``--annotations``, both of which may be repeated."""
    command.add_argument(
        "--images",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="pictures (repeat, with --annotations, to pool sets)",
    )
    command.add_argument(
        "--annotations",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="what they show, recognised by content: COCO's JSON, a folder of Pascal VOC's XML or "
        "of YOLO's text files, or for a classifier a table of file, class index, wnid and name "
        "separated by tabs; one for each --images, in the same order",
    )


def image_sets(args: argparse.Namespace) -> list[tuple[Path, Path | None]]:
    """Each folder with its annotations, or all without.

    Raises :class:`UsageError` where some have them and some not.
    """
    images, annotations = args.images, args.annotations or [None] * len(args.images)
    if len(images) != len(annotations):
        raise UsageError(
            f"{len(images)} times --images but {len(annotations)} times --annotations: "
            "give one for the other"
        )
    return list(zip(images, annotations, strict=True))
