"""The engine that looks closer: the whole frame, and a few of its tiles, chosen for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from device.bundle.manifest import Threshold
from device.bundle.model import Model
from device.errors import UsageError
from device.inference.boxes import MATCH_IOU, iou
from device.inference.candidates import Candidates
from device.inference.cell_view import Cells, CellView, SceneCells
from device.inference.engine import Engine, in_source, name_detections
from device.inference.input_plane import InputPlane
from device.inference.preprocess import Placement, byte_table
from device.inference.scene_motion import SceneMotion
from device.inference.thresholds import changed, least_scores, threshold_of
from device.inference.tile_chooser import (
    HINT,
    TileChooser,
    grid_for,
    small_hints,
)
from device.inference.tile_memory import REFUTED, TileMemory
from device.inference.tiled_engine import tile_placement
from device.inference.tiles import Part, tiles_of
from device.records import Detection, Frame, Tensor

CELL = 4  # pixels of the network's input along the side of a cell
LEVELS = 12  # of 255 by which a cell must differ: above a sensor's noise and a lamp's flicker
MOST_HINTS = 100


class _Waiting(np.ndarray[Any, np.dtype[Any]]):
    """A prepared input, and the frame that it shows: tiles are cut from it later."""

    frame: Frame | None = None


class CloserEngine(Engine):
    """An engine that sees a frame whole and, larger, the ``extra`` tiles most worth it.

    Outputs are those of the whole picture, then of each tile, then the tiles' numbers, one channel
    of the picture, the same in cells, and where the scene lies in it. Which tiles are chosen
    depends on the frames before, as does what is found: frames are to come in their order, of one
    camera.
    """

    def __init__(
        self, bundle: Model, variant: str | None = None, *, extra: int = 1, **options: Any
    ) -> None:
        """``options`` as of :class:`Engine`. Raises as it, and ``UsageError`` of a classifier."""
        if bundle.manifest.task != "detection":
            raise UsageError(
                f"--look closer is for detectors: {bundle.manifest.model} says what a whole "
                "picture shows"
            )
        super().__init__(bundle, variant, **options)
        self._extra = extra
        table = byte_table(self._rule, self.interpreter.input).astype(np.float64)
        self._value_range = float(table.max() - table.min())
        self._level = LEVELS / 255 * self._value_range
        self._forget()

    def _forget(self) -> None:
        self._chooser, self._memory = TileChooser(), TileMemory()
        # Of the thread that invokes: the others are those of `find` and of `prepare`.
        self._glance, self._cut = self._new_decoder(), self._new_preprocessor()
        self._motion = SceneMotion(self._level)
        self._own = self.new_input()
        self._tile = super().new_input()

    def share(self) -> Self:
        """As the parent's, with frames of its own to remember."""
        other = super().share()
        other._forget()
        return other

    def new_input(self) -> Tensor:
        """A tensor like the network's input, which remembers its frame."""
        return super().new_input().view(_Waiting)

    def prepare(self, frame: Frame, into: Tensor | None = None) -> Placement:
        """Fit a frame into ``into``, or into a tensor of the engine's own."""
        waiting = self._own if into is None else into
        if isinstance(waiting, _Waiting):
            waiting.frame = frame
        return super().prepare(frame, waiting)

    def invoke(self, prepared: Tensor | None = None) -> list[Tensor]:
        """Run the network on the whole picture, choose tiles, and run it on these."""
        waiting = self._own if prepared is None else prepared
        outputs = super().invoke(waiting)
        frame = waiting.frame if isinstance(waiting, _Waiting) else None
        plane = self._plane(waiting)
        scene = SceneCells(_cells(plane))
        chosen: list[int] = []
        if frame is not None:
            scene = self._motion.follow(scene.cells)
            chosen = self._choose(outputs, frame, scene)
            tiles = tiles_of(grid_for(frame.size_wh), frame.size_wh)
            for number in chosen:
                left, top, width, height = tiles[number]
                pixels = frame.pixels[top : top + height, left : left + width]
                self._cut(pixels, self._tile)
                outputs += super().invoke(self._tile)
        return [*outputs, np.array(chosen, np.intp), plane, scene.cells, np.array(scene.offset)]

    def _invoke_in_place(self) -> Sequence[Tensor]:
        return self.invoke()

    def find_with_unsure(
        self, outputs: Sequence[Tensor], placement: Placement, least: float
    ) -> tuple[tuple[Detection, ...], tuple[Detection, ...]]:
        """As :meth:`Engine.find_with_unsure`; unsure is only what the whole picture shows."""
        found, _ = self.find(outputs, placement)
        each = len(self.interpreter.outputs)
        lower = changed(self._thresholds, lambda threshold: min(HINT * threshold, least))
        whole = super()._candidates(outputs[:each], placement, lower)
        whole = whole.only(whole.scores >= np.float32(least))
        unsure = [
            item
            for item in name_detections(whole, self.labels)
            if item.score < np.float32(threshold_of(self._thresholds, item.class_id))
            and all(
                item.class_id != other.class_id or iou(item.box, other.box) < MATCH_IOU
                for other in found
            )
        ]
        return found, tuple(unsure)

    def _choose(self, outputs: Sequence[Tensor], frame: Frame, scene: SceneCells) -> list[int]:
        thresholds, size_wh = self._thresholds, frame.size_wh
        hints = self._glance(outputs, changed(thresholds, lambda least: HINT * least), MOST_HINTS)
        placement = Placement.of(self._rule, size_wh)
        found = small_hints(in_source(hints, placement), thresholds, size_wh)
        if (wanted := self._wanted) is not None:
            found = found.only(np.flatnonzero(np.isin(found.class_ids, wanted)))
        tiles = tiles_of(grid_for(size_wh), size_wh)
        return self._chooser.choose(self._extra, tiles, found, self._view(scene, placement))

    def _candidates(
        self, outputs: Sequence[Tensor], placement: Placement, thresholds: Threshold
    ) -> Candidates:
        *tensors, chosen, plane, cells, (across, down) = outputs
        view = self._view(SceneCells(cells, (float(across), float(down))), placement)
        each = len(self.interpreter.outputs)
        size_wh = placement.source_width, placement.source_height
        lower = changed(thresholds, lambda least: HINT * least)
        whole = super()._candidates(tensors[:each], placement, lower)
        tiles = tiles_of(grid_for(size_wh), size_wh)
        looks = []
        for n, number in enumerate(chosen.tolist(), 1):
            own = tile_placement(self._rule, tiles[number], size_wh)
            # At the threshold of the whole picture: the decoder is slow to take another one.
            found = super()._candidates(tensors[n * each : (n + 1) * each], own, lower)
            least = REFUTED * least_scores(thresholds, found.class_ids)
            looks.append(Part(tiles[number], found.only(found.scores >= least)))
        seen = InputPlane(plane, placement, self._value_range)
        merged = self._memory.merge(whole, looks, thresholds, view, seen)
        return merged.only(np.arange(min(self.max_detections, len(merged.scores))))

    def _plane(self, prepared: Tensor) -> Tensor:
        """A copy of one channel of the network's input."""
        picture = np.asarray(prepared)[0]
        planar = self._rule.layout == "nchw"
        channel = picture.shape[0 if planar else -1] // 2  # green, or the only one
        plane: Tensor = picture[channel] if planar else picture[..., channel]
        return plane.copy()

    def _view(self, scene: SceneCells, placement: Placement) -> CellView:
        rows, columns = scene.cells.shape
        left, top, width, height = placement.target

        def to_cells(box: Sequence[float]) -> tuple[slice, slice]:
            x_min, y_min, x_max, y_max = box
            across = [left + width * (x - placement.left) / placement.width for x in (x_min, x_max)]
            down = [top + height * (y - placement.top) / placement.height for y in (y_min, y_max)]
            return _span(down, rows), _span(across, columns)

        cell_wh = placement.width / (width * columns), placement.height / (height * rows)
        return CellView(scene, to_cells, self._level, cell_wh)


def _cells(plane: Tensor) -> Cells:
    """The picture in cells of ``CELL`` pixels."""
    rows, columns = (side // CELL for side in plane.shape)
    blocks = plane[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)
    cells: Cells = blocks.mean(axis=(1, 3), dtype=np.float32)
    return cells


def _span(ends: Sequence[float], count: int) -> slice:
    """The cells from one end to the other, 0..1 of ``count``: one at least."""
    first = min(count - 1, max(0, int(ends[0] * count)))
    return slice(first, max(first + 1, min(count, int(np.ceil(ends[1] * count)))))
