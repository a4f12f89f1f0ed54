"""Arm instructions of a network in int8, layer by layer, without counting them anew.

Fitted to counts of 104 layers of the default bundle's int8, each alone and some at other sides
too, by :mod:`convert.arm` in LiteRT 2.3.0, one thread, on 2026-11-28. Layers of more than one
place are within 2.6 % on a Cortex-A72 and 0.9 % on a Cortex-A76 (0.6 and 0.2 % root mean square);
the few of one place, which cost nothing to speak of, are overrated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from convert.compression.layer_shapes import LayerShape, layer_shapes

Board = Literal["pi4", "pi5"]

DEPTHWISE_EIGHT = 48.606  # per place and eight channels, both processors
DEPTHWISE_PLACE = 54.198
SUM_NUMBER = 2.438  # per number of a sum of two blocks
INPUT_NUMBER = 2.564  # per number of the input, made int8
OPERATOR = 500.0  # what an operator costs beside its work


@dataclass(frozen=True, slots=True)
class KernelCost:
    """How a processor's matrix kernel works: ``rows`` places and ``columns`` outputs at a time.

    ``product`` is of one input of such a tile, ``tile`` of its end, ``strip`` of every ``rows``
    places; ``first`` of a place and 16 outputs of the first convolution.
    """

    rows: int
    columns: int
    product: float
    tile: float
    strip: float
    first: float


KERNELS: Mapping[Board, KernelCost] = {
    "pi4": KernelCost(2, 8, 4.0657, 61.548, 29.484, 523.28),
    "pi5": KernelCost(4, 16, 4.9384, 126.337, 34.301, 133.28),
}


def layer_instructions(layer: LayerShape, board: Board) -> float:
    """What one invoke of ``layer`` takes."""
    kernel, places = KERNELS[board], layer.side * layer.side
    if layer.kind == "depthwise":
        eights = math.ceil(layer.outputs / 8)
        return OPERATOR + places * (DEPTHWISE_EIGHT * eights + DEPTHWISE_PLACE)
    if layer.kind == "convolution":
        return OPERATOR + places * math.ceil(layer.outputs / 16) * kernel.first
    strips = math.ceil(places / kernel.rows)
    tiles = strips * math.ceil(layer.outputs / kernel.columns)
    return OPERATOR + tiles * (kernel.product * layer.inputs + kernel.tile) + strips * kernel.strip


def layers_instructions(layers: Iterable[LayerShape], board: Board) -> float:
    """The sum over ``layers``."""
    return sum(layer_instructions(layer, board) for layer in layers)


def network_instructions(kernels: Mapping[str, tuple[int, ...]], size: int, board: Board) -> float:
    """One invoke of an SSDLite with these kernels, shapes by layer, for images of ``size``."""
    layers = list(layer_shapes(kernels, size))
    outputs = {layer.name: layer for layer in layers}
    sums = 0.0
    for name, layer in outputs.items():
        scope, dot, part = name.partition(".")
        if dot and part == "project" and _is_residual(scope, outputs):
            sums += OPERATOR + SUM_NUMBER * layer.side**2 * layer.outputs
    made_int8 = OPERATOR + INPUT_NUMBER * size * size * 3
    return layers_instructions(layers, board) + sums + made_int8


def _is_residual(scope: str, layers: Mapping[str, LayerShape]) -> bool:
    expand = layers.get(f"{scope}.expand.reduce") or layers.get(f"{scope}.expand")
    depthwise, project = layers[f"{scope}.depthwise"], layers[f"{scope}.project"]
    return expand is not None and depthwise.stride == 1 and expand.inputs == project.outputs
