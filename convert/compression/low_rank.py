"""A 1x1 convolution as two with few channels between them, by singular values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convert.compression.cost_model import Board, network_instructions
from convert.models.architecture import REDUCE
from convert.models.layer_weights import Array, LayerWeights, kernel_shapes

STEP = 8  # ranks are multiples of it: what kernels work on at a time


def split(kernel: Array, rank: int) -> tuple[Array, Array]:
    """Two kernels (1, 1, inputs, rank) and (1, 1, rank, outputs) whose product is nearest.

    The first ``rank`` singular values of ``kernel`` (1, 1, inputs, outputs), nearest in the
    Frobenius norm (Eckart and Young 1936); both get the root of each.
    """
    left, values, right = np.linalg.svd(kernel[0, 0].astype(np.float64), full_matrices=False)
    roots = np.sqrt(values[:rank])
    first, second = left[:, :rank] * roots, roots[:, np.newaxis] * right[:rank]
    return first[None, None].astype(np.float32), second[None, None].astype(np.float32)


def smallest_rank(kernel: Array, error: float) -> int | None:
    """The least rank, a multiple of :data:`STEP`, that leaves out at most ``error``.

    None where only the whole kernel does.
    """
    squares = np.linalg.svd(kernel[0, 0].astype(np.float64), compute_uv=False) ** 2
    left_out = 1 - np.cumsum(squares) / max(squares.sum(), 1e-30)
    fitting = [rank for rank in range(STEP, len(squares), STEP) if left_out[rank - 1] <= error]
    return fitting[0] if fitting else None


def split_layers(
    weights: LayerWeights, error: float, pays: Callable[[str, int], bool]
) -> LayerWeights:
    """``weights`` with every 1x1 convolution split that loses at most ``error`` by it and ``pays``.

    ``pays`` says of a layer and a rank whether two convolutions cost less than the one.
    """
    made = dict(weights)
    for name, (kernel, bias) in weights.items():
        if kernel.shape[:2] != (1, 1) or name.endswith(REDUCE) or f"{name}{REDUCE}" in weights:
            continue
        rank = smallest_rank(kernel, error)
        if rank is not None and pays(name, rank):
            first, second = split(kernel, rank)
            made[f"{name}{REDUCE}"] = first, np.zeros(rank, np.float32)
            made[name] = second, bias
    return made


def split_paying(weights: LayerWeights, size: int, board: Board, error: float) -> LayerWeights:
    """``weights``, of a network for images of ``size``, split where ``board`` saves by it."""
    kernels = kernel_shapes(weights)
    whole = network_instructions(kernels, size, board)

    def pays(name: str, rank: int) -> bool:
        _, _, inputs, outputs = kernels[name]
        two = {f"{name}{REDUCE}": (1, 1, inputs, rank), name: (1, 1, rank, outputs)}
        return network_instructions({**kernels, **two}, size, board) < whole

    return split_layers(weights, error, pays)
