"""Labels of one image as a file says them, before anything is compared with the image."""

from __future__ import annotations

from dataclasses import dataclass

Edges = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max

MAX_PIXELS = 1e6  # no image is that wide


@dataclass(frozen=True, slots=True)
class BoxLabel:
    """One object as written: its corners may be swapped, or outside the image.

    An ``ignored`` object (a crowd, a difficult one) need not be found, and finding it is no
    mistake either.
    """

    label: str
    edges: Edges
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """All that one file, or the rows of a table, say of one image.

    ``image`` is the file name written there, which may be empty or that of another machine;
    ``size`` is width and height in pixels of the image as it was labelled, where that is told.
    """

    image: str
    boxes: tuple[BoxLabel, ...]
    size: tuple[int, int] | None = None


def image_size(width: str | float | None, height: str | float | None) -> tuple[int, int] | None:
    """Both sides in pixels, or None where they are missing, zero (some tools) or no numbers."""
    try:
        sides = float(width or 0), float(height or 0)
    except ValueError:
        return None
    if not all(1 <= side < MAX_PIXELS for side in sides):  # NaN fails too
        return None
    return round(sides[0]), round(sides[1])
