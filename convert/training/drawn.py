"""A dataset that is drawn, to try training without a camera: ``python -m convert.training.drawn``.

Discs, squares and triangles of any colour on noise, with their boxes as Pascal VOC's XML.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from convert.errors import DatasetError
from device.commands.argument_types import positive_int
from device.records import Pixels

CLASSES = ("disc", "square", "triangle")
SIDE = 320  # pixels
MOST_SHAPES = 3
TRAIN_IMAGES, TEST_IMAGES = 120, 24

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels

_XML = """<annotation><filename>{name}</filename>
<size><width>{side}</width><height>{side}</height><depth>3</depth></size>
{objects}</annotation>
"""
_OBJECT = """<object><name>{label}</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax>\
<ymax>{3}</ymax></bndbox></object>
"""


def draw_image(folder: Path, number: int, seed: int, large: bool = False) -> None:
    """Write one image and its XML into ``folder``; ``large`` as of :func:`draw_dataset`."""
    random = np.random.default_rng((seed, number))
    coarse = random.integers(40, 215, (8, 8, 3)).astype(np.uint8)
    pixels = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    objects = []
    columns = [0] if large else random.permutation(3)[: random.integers(1, MOST_SHAPES + 1)]
    for column in columns:
        label = CLASSES[int(random.integers(len(CLASSES)))]
        box = _large_box(random) if large else _small_box(random, int(column))
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        _draw(pixels, label, box, colour)
        objects.append(_OBJECT.format(*box, label=label))
    name = f"{number:04d}"
    cv2.imwrite(str(folder / f"{name}.jpg"), pixels)
    xml = _XML.format(name=f"{name}.jpg", side=SIDE, objects="".join(objects))
    (folder / f"{name}.xml").write_text(xml, "utf-8")


def _small_box(random: np.random.Generator, column: int) -> Box:
    """A square in a third of the image, a seventh to a third of its side."""
    half = int(random.integers(22, 52))
    x = column * SIDE // 3 + SIDE // 6
    y = int(random.integers(half, SIDE - half))
    return x - half, y - half, x + half, y + half


def _large_box(random: np.random.Generator) -> Box:
    """A rectangle, each side two fifths to nine tenths of the image's."""
    width, height = (int(side) for side in random.integers(2 * SIDE // 5, 9 * SIDE // 10, 2))
    left, top = int(random.integers(SIDE - width)), int(random.integers(SIDE - height))
    return left, top, left + width, top + height


def _draw(pixels: Pixels, label: str, box: Box, colour: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    middle = (left + right) // 2, (top + bottom) // 2
    if label == "disc":
        across, down = (right - left) // 2, (bottom - top) // 2
        if across == down:
            cv2.circle(pixels, middle, across, colour, -1)
        else:
            cv2.ellipse(pixels, middle, (across, down), 0, 0, 360, colour, -1)
    elif label == "square":
        cv2.rectangle(pixels, (left, top), (right, bottom), colour, -1)
    else:
        corners = [(middle[0], top), (left, bottom), (right, bottom)]
        cv2.fillPoly(pixels, [np.array(corners)], colour)


def draw_dataset(
    folder: Path,
    train: int = TRAIN_IMAGES,
    test: int = TEST_IMAGES,
    seed: int = 0,
    *,
    large: bool = False,
) -> None:
    """Fill ``folder/train`` and ``folder/test``.

    ``large``: one shape an image, of two fifths to nine tenths of its sides, not up to three small.
    Raises :class:`DatasetError` where there are files that would not be drawn anew.
    """
    numbers = {"train": range(train), "test": range(train, train + test)}
    drawn = {
        folder / split / f"{number:04d}{suffix}"
        for split, of_split in numbers.items()
        for number in of_split
        for suffix in (".jpg", ".xml")
    }
    others = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in drawn]
    if others:
        raise DatasetError(f"{folder}: it holds {others[0].name}: draw into an empty folder")
    for split, of_split in numbers.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for number in of_split:
            draw_image(folder / split, number, seed, large)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.training.drawn",
        description="Draw discs, squares and triangles with their boxes, to try training on.",
    )
    parser.add_argument("folder", type=Path, help="an empty one, or one drawn before")
    for split, count in (("train", TRAIN_IMAGES), ("test", TEST_IMAGES)):
        parser.add_argument(
            f"--{split}",
            type=positive_int,
            default=count,
            metavar="N",
            help=f"images to {split} on (default: %(default)s)",
        )
    parser.add_argument(
        "--large",
        action="store_true",
        help="one shape an image, of two fifths to nine tenths of its sides, instead of up to "
        "three of a seventh to a third",
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Draw what the command line asks for."""
    asked = make_parser().parse_args(arguments)
    try:
        draw_dataset(asked.folder, asked.train, asked.test, large=asked.large)
    except DatasetError as exc:
        sys.exit(f"error: {exc}")


if __name__ == "__main__":
    main()
