"""Anchors of an SSD: the formula, and how they are laid out over an input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID_SIZES = (19, 10, 5, 3, 2, 1)  # cells per side of the six feature maps, for 300x300
ANCHORS_PER_CELL = (3, 6, 6, 6, 6, 6)
ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # the published graph was made with four digits

FINEST_STRIDE = 16  # input pixels per cell of the finest map


PUBLISHED_PIXELS = 300  # side of the input that the published weights were trained for
# Convolutions with stride 2 see an even side half a pixel farther to the right than an odd one.
# Sides so far apart are odd and even alike down to the finest map, so that all that lies below it
# meets what it has learnt (benchmarks/sides.py).
ALIKE = 2 * FINEST_STRIDE
MOST_ASIDE = 0.1  # of an input's side


@dataclass(frozen=True, slots=True)
class AnchorLayout:
    """The anchors of an SSDLite for an input of ``size`` pixels a side.

    ``scale`` multiplies their sides. At 1 they are as large a part of every input; at 300 / size
    they have the pixels that they have in the published network, whose heads have learnt what an
    object of so many pixels looks like. Their centres are as far from where a cell of the network
    looks as in the published one (:func:`cell_centres`), or, ``even``, in the middles of equal
    cells, as bundles have them that were made before this was known.
    """

    size: int
    scale: float = 1.0
    even: bool = False

    @property
    def pixels(self) -> float:
        """Side of the input in which anchors of scale 1 have as many pixels as these."""
        return self.size * self.scale

    @property
    def grid(self) -> tuple[int, ...]:
        """Cells per side of the feature maps."""
        return grid_sizes(self.size)

    def anchors(self) -> NDArray[np.float32]:
        """Float32 (count, 4), as of :func:`ssd_anchors`; sides may exceed 1."""
        anchors = ssd_anchors(self.grid)
        anchors[:, 2:] *= np.float32(self.scale)
        if self.even or self.size == PUBLISHED_PIXELS:
            return anchors
        maps = np.split(
            anchors,
            np.cumsum(
                [
                    cells * cells * count
                    for cells, count in zip(self.grid, ANCHORS_PER_CELL, strict=True)
                ]
            )[:-1],
        )
        for block, centres in zip(maps, cell_centres(self.size), strict=True):
            cells = block.reshape(len(centres), len(centres), -1, 4)  # a view
            cells[..., 0] = centres[:, np.newaxis, np.newaxis]
            cells[..., 1] = centres[np.newaxis, :, np.newaxis]
        return anchors


def layout_of(anchors: NDArray[np.float32], size: int) -> AnchorLayout | None:
    """The layout that ``anchors`` have over an input of ``size``; None where it is another's."""
    formula = ssd_anchors(grid_sizes(size))
    if anchors.shape != formula.shape:
        return None
    scale = float(anchors[0, 2]) / float(formula[0, 2])
    scale = 1.0 if math.isclose(scale, 1.0, rel_tol=1e-6) else scale
    layouts = (AnchorLayout(size, scale, even) for even in (False, True))
    return next(
        (item for item in layouts if np.allclose(item.anchors(), anchors, rtol=1e-5, atol=1e-7)),
        None,
    )


def cell_centres(size: int) -> tuple[NDArray[np.float64], ...]:
    """Where cells of the six maps have learnt to find things, in an input of ``size``.

    Float64 (cells,) for each map, finest first: along either axis, 0..1 of the input. The published
    weights were trained with the middles of equal cells over 300 pixels, from which what a cell
    looks at drifts away: the coarser maps look 22 to 150 pixels farther to the right, and a little
    more so on that side of the picture. In another input cells look elsewhere, but what they have
    learnt to find is as far from there. COCO's own, not trained further, have at 268 pixels an mAP
    of 0.328 instead of 0.293 with equal cells, and at 224 of 0.248 instead of 0.198. A map that
    would have to move by more than :data:`MOST_ASIDE` keeps equal cells: on its other side nothing
    would be near enough to an object to learn it.
    """
    centres = []
    for here, published in zip(_sights(size), _sights(PUBLISHED_PIXELS), strict=True):
        aside = published.middles(PUBLISHED_PIXELS) - published.pixels
        drift = (PUBLISHED_PIXELS / published.cells - published.stride) * published.cells
        middles = here.middles(size)
        found = here.pixels + aside.mean() + drift * (middles / size - 0.5)
        moved = abs(float((found - middles).mean()))
        centres.append((found if moved <= MOST_ASIDE * size else middles) / size)
    return tuple(centres)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the cells of a feature map look at, along an axis, in pixels of the input."""

    cells: int
    stride: int
    first: float

    @property
    def pixels(self) -> NDArray[np.float64]:
        """The middle of what each cell looks at."""
        return self.first + self.stride * np.arange(self.cells, dtype=np.float64)

    def middles(self, size: int) -> NDArray[np.float64]:
        """The middles of equal cells over an input of ``size``."""
        return (np.arange(self.cells) + 0.5) / self.cells * size


def _sights(size: int) -> tuple[_Sight, ...]:
    """The six maps of an input of ``size``, finest first.

    A 3x3 convolution with stride 2 and "same" padding has one pixel of padding at the end of an
    even side, so that cell i looks at 2 i + 1, and one at either end of an odd side: 2 i.
    """
    sights: list[_Sight] = []
    cells, stride, first = size, 1, 0.5
    while len(sights) < len(ANCHORS_PER_CELL):
        first += stride * (cells % 2 == 0)
        cells, stride = math.ceil(cells / 2), 2 * stride
        if stride >= FINEST_STRIDE:
            sights.append(_Sight(cells, stride, first))
    return tuple(sights)


def sides_alike(size: int) -> tuple[int, int]:
    """The sides next to ``size``, below and above, that are halved as the published one.

    Both are ``size`` where that one is.
    """
    aside = (size - PUBLISHED_PIXELS) % ALIKE
    return size - aside, size + (-aside % ALIKE)


def grid_sizes(size: int) -> tuple[int, ...]:
    """Cells per side of the six feature maps for an input of ``size`` pixels.

    Convolutions with "same" padding round up: 300 gives 19, 10, 5, 3, 2, 1.
    """
    sizes = [math.ceil(size / FINEST_STRIDE)]
    while len(sizes) < len(ANCHORS_PER_CELL):
        sizes.append(math.ceil(sizes[-1] / 2))
    return tuple(sizes)


def ssd_anchors(
    grid_sizes: Sequence[int] = GRID_SIZES, min_scale: float = 0.2, max_scale: float = 0.95
) -> NDArray[np.float32]:
    """The anchors of an SSD with square feature maps, finest map first.

    The scale of map k of m is ``min + (max - min) * k / (m - 1)`` (Liu et al. 2016,
    arXiv:1512.02325, equation 4). Each cell gets one anchor per aspect ratio and a square one
    of the geometric mean of this scale and the next (1 after the last). As in the published
    MobileNet SSDs the finest map has three anchors only: a square of scale 0.1 and the ratios
    2 and 1/2.

    Returns float32 (count, 4): centre_y, centre_x, height, width, 0..1 of the input; ordered by
    map, row, column, anchor.
    """
    scales = [*np.linspace(min_scale, max_scale, len(grid_sizes)), 1.0]
    blocks = []
    for level, cells in enumerate(grid_sizes):
        if level == 0:
            shapes = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
        else:
            shapes = [(scales[level], ratio) for ratio in ASPECT_RATIOS]
            shapes.append((float(np.sqrt(scales[level] * scales[level + 1])), 1.0))
        sides = np.array([(s / np.sqrt(ratio), s * np.sqrt(ratio)) for s, ratio in shapes])
        centres = (np.arange(cells) + 0.5) / cells
        block = np.empty((cells, cells, len(shapes), 4))
        block[..., 0] = centres[:, None, None]
        block[..., 1] = centres[None, :, None]
        block[..., 2:] = sides
        blocks.append(block.reshape(-1, 4))
    anchors: NDArray[np.float32] = np.concatenate(blocks).astype(np.float32)
    return anchors
