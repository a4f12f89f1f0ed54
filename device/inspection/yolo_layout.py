"""The layout of a YOLO's one output, told by arithmetic.

A YOLO looks at the picture in cells of 8, 16 and 32 pixels (others leave out some of these, or add
4 or 64), and has one candidate per cell, or one per cell and anchor shape. So the number of its
candidates follows from the size of its input, and what else a tensor holds is what each has: four
numbers of a box, then perhaps an objectness, then a score per class. With anchor shapes (YOLOv3
to v5, v7) there is an objectness; with one candidate per cell (v8 to v12) there is none, but in
YOLOX and YOLOv6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

STRIDES = (
    (8, 16, 32),
    (8, 16, 32, 64),
    (4, 8, 16, 32),
    (16, 32),
    (16, 32, 64),
    (8, 16),
    (4, 8, 16),
)  # of pixels, the sets that networks use
SHAPES = (1, 3)  # candidates per cell
BOX = 4
ROW = 6  # x_min, y_min, x_max, y_max, score, class id
MOST_ROWS = 1000  # that a model keeps which suppresses its boxes itself


@dataclass(frozen=True, slots=True)
class YoloLayout:
    """One way to read a tensor: so many candidates, each of ``values`` numbers."""

    candidates: int
    values: int
    along: Literal["rows", "columns"]  # of the tensor's last two axes, where the candidates are
    shapes: int | None  # candidates per cell; None where the arithmetic does not say
    strides: tuple[int, ...] = ()


def two_axes(shape: Sequence[int]) -> tuple[int, int] | None:
    """The two axes of a tensor that are longer than 1, in order; None where there are not two."""
    sides = [side for side in shape if side != 1]
    return (sides[0], sides[1]) if len(sides) == 2 else None


def cells(size_wh: tuple[int, int], strides: Sequence[int]) -> int:
    """How many cells of these ``strides`` cover a picture."""
    width, height = size_wh
    return sum(-(-width // stride) * -(-height // stride) for stride in strides)


def layout_of(shape: Sequence[int], size_wh: tuple[int, int]) -> YoloLayout | None:
    """The layout that the arithmetic allows; None where the numbers are no YOLO's."""
    sides = two_axes(shape)
    if sides is None:
        return None
    found = []
    for along, (candidates, values) in (("rows", sides), ("columns", sides[::-1])):
        if values <= BOX or values >= candidates:
            continue
        for strides in STRIDES:
            for shapes in SHAPES:
                if shapes * cells(size_wh, strides) == candidates:
                    layout = YoloLayout(
                        candidates,
                        values,
                        "rows" if along == "rows" else "columns",
                        shapes,
                        strides,
                    )
                    found.append(layout)
    return found[0] if found else None


def layout_by_values(shape: Sequence[int], values: Sequence[int]) -> YoloLayout | None:
    """The layout in which a candidate has one of ``values`` numbers; None for none, or two."""
    sides = two_axes(shape)
    if sides is None:
        return None
    by_rows = sides[1] in values and sides[0] > sides[1]
    by_columns = sides[0] in values and sides[1] > sides[0]
    if by_rows == by_columns:
        return None
    if by_rows:
        return YoloLayout(sides[0], sides[1], "rows", None)
    return YoloLayout(sides[1], sides[0], "columns", None)


def is_rows(shape: Sequence[int]) -> bool:
    """Whether a tensor may hold the rows of a YOLO that suppresses its boxes itself."""
    sides = [side for side in shape if side != 1]
    if sides == [ROW]:  # one row
        return len(shape) > 1
    return len(sides) == 2 and sides[1] == ROW and sides[0] <= MOST_ROWS
