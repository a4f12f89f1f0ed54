"""Foot maps: where feet were, and how long, hour by hour."""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Iterable

HOUR_S = 3600
GRID_WH = (32, 24)  # cells over the picture, columns and rows
CELLS = GRID_WH[0] * GRID_WH[1]
MOST_ENTRIES = 500  # that wait for a disk that is full: hours times classes
MOST_SECONDS = 1e9  # in one cell of a store that can be believed


class FootMap:
    """Seconds that feet stood in each cell of a grid, row by row, by hour and class.

    An hour is known by the seconds since 1970 at which it began.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[int, str], array[float]] = {}

    def __bool__(self) -> bool:
        return bool(self.entries)

    def add(self, label: str, time_s: float, x: float, y: float, seconds: float) -> None:
        """Add ``seconds`` at ``time_s`` where ``x`` and ``y`` are 0 to 1 of width and height."""
        columns, rows = GRID_WH
        column = min(max(int(x * columns), 0), columns - 1)
        row = min(max(int(y * rows), 0), rows - 1)
        key = (int(time_s // HOUR_S) * HOUR_S, label)
        cells = self.entries.get(key)
        if cells is None:
            cells = self.entries[key] = empty_grid()
        cells[row * columns + column] += seconds

    def merge(self, other: FootMap) -> None:
        """Add what another map has; of too many entries the oldest go."""
        for key, cells in other.entries.items():
            mine = self.entries.get(key)
            self.entries[key] = cells if mine is None else sum_of((mine, cells))
        for key in sorted(self.entries)[: max(0, len(self.entries) - MOST_ENTRIES)]:
            del self.entries[key]


def empty_grid() -> array[float]:
    """A grid in which nobody stood."""
    return array("f", bytes(4 * CELLS))


def sum_of(grids: Iterable[array[float]]) -> array[float]:
    """The sum of grids, cell by cell."""
    return array("f", map(sum, zip(*grids, strict=True)))


def encode_grid(cells: array[float]) -> bytes:
    """A grid as the store has it."""
    return zlib.compress(cells.tobytes())


def decode_grid(data: bytes) -> array[float]:
    """The grid in ``data``, of which no more is unpacked than a grid is. Raises ``ValueError``."""
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(data, 4 * CELLS + 1)
    except zlib.error as exc:
        raise ValueError(f"no foot map: {exc}") from exc
    if len(raw) != 4 * CELLS:
        raise ValueError(f"a foot map of {len(raw)} bytes")
    cells = array("f", raw)
    if not all(math.isfinite(cell) and 0 <= cell <= MOST_SECONDS for cell in cells):
        raise ValueError("a foot map with impossible times")
    return cells
