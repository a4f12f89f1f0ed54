"""Argument types: converters of flags' values that argparse calls."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from device.bundle.limits import MOST_DETECTIONS
from device.commands.name_lists import split_names
from device.image_header import MAX_PIXELS

if TYPE_CHECKING:
    from device.commands.config_file import ConfigurableParser

    Commands = argparse._SubParsersAction[ConfigurableParser]
else:
    Commands = object

MAX_THREADS = 64
MAX_PORT = 65535
MOST = 1e12  # of seconds, megabytes and the like: beyond them nothing can be counted on
MOST_DIGITS = 5  # of a side in pixels
MAX_TILES = 8  # beside each other: more are smaller than the network's input


def number(text: str) -> float:
    """A flag's value that is a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None


def whole_number(text: str) -> int:
    """A flag's value that is a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number") from None


def positive_int(text: str) -> int:
    """A flag's value that must be a whole number of at least 1."""
    value = whole_number(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def thread_count(text: str) -> int:
    """A flag's value that is a number of threads; interpreters crash on absurd ones."""
    value = positive_int(text)
    if value > MAX_THREADS:
        raise argparse.ArgumentTypeError(f"{value} is more than {MAX_THREADS}")
    return value


def detection_count(text: str) -> int:
    """A flag's value that is a number of detections; suppressing more than a frame has is slow."""
    value = positive_int(text)
    if value > MOST_DETECTIONS:
        raise argparse.ArgumentTypeError(f"{value} is more than {MOST_DETECTIONS}")
    return value


def positive_float(text: str) -> float:
    """A flag's value that is a number above 0, such as seconds or megabytes."""
    value = number(text)
    if not 0 < value <= MOST:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0, and at most {MOST:g}")
    return value


def comma_list(text: str) -> list[str]:
    """A flag's value that is a list, with commas between: at least one, none of them empty.

    What stands in double quotes is one name, commas and all; two of them are one of its own.
    """
    try:
        parts = split_names(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(
            f'{text!r}: a name with a comma goes into double quotes ("a, b",c): {exc}'
        ) from exc
    if not parts or not all(parts):
        raise argparse.ArgumentTypeError("an empty name: names are expected, with commas between")
    return parts


def size_wh(text: str) -> tuple[int, int]:
    """A flag's value that is a width and a height in pixels."""
    width, _, height = text.partition("x")
    # Of few digits, before any is read: int() refuses thousands with a traceback.
    is_size = all(part.isdecimal() and len(part) <= MOST_DIGITS for part in (width, height))
    if not (is_size and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text} is not width x height, such as 1280x720")
    if int(width) * int(height) > MAX_PIXELS:
        raise argparse.ArgumentTypeError(
            f"{text} is more than {MAX_PIXELS / 1e6:.0f} million pixels"
        )
    return int(width), int(height)


def tile_grid(text: str) -> tuple[int, int]:
    """A flag's value that is how many tiles lie beside and below each other."""
    columns, _, rows = text.partition("x")
    # Of few digits, before any is read: int() refuses thousands with a traceback.
    if not all(part.isascii() and part.isdecimal() and len(part) < 3 for part in (columns, rows)):
        raise argparse.ArgumentTypeError(f"{text} is not columns x rows of tiles, such as 2x2")
    grid = int(columns), int(rows)
    if not 1 <= min(grid) <= max(grid) <= MAX_TILES or grid == (1, 1):
        raise argparse.ArgumentTypeError(
            f"{text}: 2x1 to {MAX_TILES}x{MAX_TILES} tiles are possible; 1x1 is the whole picture, "
            "which is looked at anyway"
        )
    return grid


def non_negative_int(text: str) -> int:
    """A flag's value that seeds a random generator: a whole number of at least 0."""
    value = whole_number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def port_number(text: str) -> int:
    """A flag's value that is a TCP port."""
    value = positive_int(text)
    if value > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{value} is more than {MAX_PORT}")
    return value
