"""The tiled engine: the whole frame and its tiles through one network, found once each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from device.bundle.manifest import InputRule, Threshold
from device.bundle.model import Model
from device.errors import UsageError
from device.inference.candidates import Candidates
from device.inference.engine import Engine
from device.inference.preprocess import Placement, Rectangle
from device.inference.tiles import Grid, Part, merge, tiles_of
from device.records import Frame, Tensor


class TiledEngine(Engine):
    """An engine that looks at a frame whole and tile by tile: an invoke for each.

    Inputs are stacked along the first axis, outputs follow each other part by part.
    """

    def __init__(
        self, bundle: Model, variant: str | None = None, *, grid: Grid, **options: Any
    ) -> None:
        """``options`` as of :class:`Engine`. Raises as it, and ``UsageError`` of a classifier."""
        if bundle.manifest.task != "detection":
            raise UsageError(
                f"--tiles is for detectors: {bundle.manifest.model} says what a whole picture shows"
            )
        super().__init__(bundle, variant, **options)
        self._grid = grid
        self._stack = self.new_input()

    def new_input(self) -> Tensor:
        """Tensors like the network's input, one for each part of a frame."""
        spec = self.interpreter.input
        parts = 1 + self._grid.columns * self._grid.rows
        return np.empty((parts * spec.shape[0], *spec.shape[1:]), spec.dtype)

    def prepare(self, frame: Frame, into: Tensor | None = None) -> Placement:
        """Fit a frame and its tiles into ``into``, or into a stack of the engine's own."""
        stack = self._stack if into is None else into
        placement = super().prepare(frame, stack[:1])
        for n, tile in enumerate(tiles_of(self._grid, frame.size_wh), 1):
            view = frame.pixels[tile.top : tile.top + tile.height, tile.left :][:, : tile.width]
            self._preprocess(view, stack[n : n + 1])
        return placement

    def invoke(self, prepared: Tensor | None = None) -> list[Tensor]:
        """Run the network on each part; returns copies of all outputs, part after part."""
        stack = self._stack if prepared is None else prepared
        return [
            output
            for n in range(len(stack))
            for output in super(TiledEngine, self).invoke(stack[n : n + 1])
        ]

    def _invoke_in_place(self) -> Sequence[Tensor]:
        return self.invoke()

    def _candidates(
        self, outputs: Sequence[Tensor], placement: Placement, thresholds: Threshold
    ) -> Candidates:
        size_wh = placement.source_width, placement.source_height
        views = [Rectangle(0, 0, *size_wh), *tiles_of(self._grid, size_wh)]
        each = len(outputs) // len(views)
        parts = []
        for n, view in enumerate(views):
            own = placement if n == 0 else tile_placement(self._rule, view, size_wh)
            found = super()._candidates(outputs[n * each : (n + 1) * each], own, thresholds)
            parts.append(Part(view, found))
        return merge(parts, size_wh, self.max_detections)


@lru_cache(maxsize=64)
def tile_placement(rule: InputRule, tile: Rectangle, size_wh: tuple[int, int]) -> Placement:
    """How a tile of a frame of ``size_wh`` pixels fits into the input, mapping to the frame."""
    inner = Placement.of(rule, (tile.width, tile.height))
    return Placement(
        tile.left + inner.left, tile.top + inner.top, inner.width, inner.height, *size_wh,
        inner.target,
    )  # fmt: skip
