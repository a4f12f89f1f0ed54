"""What each layer of an SSDLite works on: sides and channels, which its cost depends on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from convert.models.anchors import grid_sizes
from convert.models.mobilenet_v2 import STAGES

LayerKind = Literal["convolution", "pointwise", "depthwise"]


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One convolution: a kernel of 3x3 over all channels or 1x1, or 3x3 of each channel apart.

    ``side`` is that of its output, square; strides show in how much smaller it is.
    """

    name: str
    kind: LayerKind
    side: int
    inputs: int
    outputs: int
    stride: int = 1


def block_sides(size: int) -> tuple[list[int], list[int]]:
    """Sides of what each inverted residual block reads, and of what it gives."""
    read, given = [], []
    side = math.ceil(size / 2)
    for stage in STAGES:
        for repeat in range(stage.repeats):
            read.append(side)
            side = math.ceil(side / (stage.stride if repeat == 0 else 1))
            given.append(side)
    return read, given


def layer_shapes(kernels: Mapping[str, tuple[int, ...]], size: int) -> Iterator[LayerShape]:
    """Each layer of a network of these ``kernels``, shapes by name, for images of ``size``."""
    for name, shape in kernels.items():
        side, stride = _side_and_stride(name, size)
        if name.endswith("depthwise"):
            yield LayerShape(name, "depthwise", side, shape[2], shape[2], stride)
        else:
            kind: LayerKind = "pointwise" if shape[0] == 1 else "convolution"
            yield LayerShape(name, kind, side, shape[2], shape[3], stride)


def _side_and_stride(name: str, size: int) -> tuple[int, int]:
    """Of the output of the layer called ``name``."""
    cells = grid_sizes(size)
    scope = name.split(".")[0]
    if scope == "Conv":
        return math.ceil(size / 2), 2
    if scope == "Conv_1":
        return cells[1], 1
    if scope.startswith("BoxPredictor_"):
        return cells[int(scope.rpartition("_")[2])], 1
    if scope.startswith("layer_19_"):  # layer_19_1_Conv2d_2_1x1_256 reads map 1
        level = int(scope.split("_")[4])
        if scope.startswith("layer_19_1"):
            return cells[level - 1], 1
        return cells[level], 2 if scope.endswith("depthwise") else 1
    number = scope.removeprefix("expanded_conv").removeprefix("_")
    block = int(number) if number else 0
    read, given = block_sides(size)
    if ".expand" in name:
        return read[block], 1
    return given[block], 2 if read[block] != given[block] and ".depthwise" in name else 1
