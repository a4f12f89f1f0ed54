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
# Sides so far apart are odd and even alike down to the finest map, so that anchors lie where the
# weights have learnt it: COCO's own, not trained further, have 0.274 mAP at 236 and 0.246 at 240.
ALIKE = 2 * FINEST_STRIDE


@dataclass(frozen=True, slots=True)
class AnchorLayout:
    """The anchors of an SSDLite for an input of ``size`` pixels a side.

    ``scale`` multiplies their sides. At 1 they are as large a part of every input; at 300 / size
    they have the pixels that they have in the published network, whose heads have learnt what an
    object of so many pixels looks like.
    """

    size: int
    scale: float = 1.0

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
        return anchors


def layout_of(anchors: NDArray[np.float32], size: int) -> AnchorLayout | None:
    """The layout that ``anchors`` have over an input of ``size``; None where it is another's."""
    formula = ssd_anchors(grid_sizes(size))
    if anchors.shape != formula.shape:
        return None
    scale = float(anchors[0, 2]) / float(formula[0, 2])
    layout = AnchorLayout(size, 1.0 if math.isclose(scale, 1.0, rel_tol=1e-6) else scale)
    return layout if np.allclose(layout.anchors(), anchors, rtol=1e-5, atol=0) else None


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
