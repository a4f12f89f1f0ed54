"""Which channels to remove for a cost: those that matter least for the instructions they take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from convert.compression.channel_groups import ChannelGroup, channel_groups, first_of
from convert.compression.cost_model import (
    KERNELS,
    Board,
    layers_instructions,
    network_instructions,
)
from convert.compression.layer_shapes import layer_shapes
from convert.compression.pruning import Kept
from convert.errors import TrainingError
from convert.models.layer_weights import Array

LEAST_SHARE = 0.125  # of a group's channels that stay
FIXED = ("Conv",)  # the first convolution's, which are worked on sixteen at a time

Kernels = dict[str, tuple[int, ...]]


def channels_for(
    kernels: Mapping[str, tuple[int, ...]],
    importance: Mapping[str, Array],
    size: int,
    board: Board,
    goal: float,
) -> dict[str, Kept]:
    """The channels to keep of each group so that an invoke takes at most ``goal`` instructions.

    Goes in steps of as many channels as the board's kernels work on at once. Of all groups the one
    whose least important channels are worth least per instruction saved loses them; ``importance``
    is of one loss, and comparable between groups. Raises :class:`TrainingError` where nothing is
    left to remove.
    """
    step = KERNELS[board].columns
    narrow: Kernels = {name: tuple(shape) for name, shape in kernels.items()}
    order = {name: np.argsort(values, kind="stable") for name, values in importance.items()}
    removed = dict.fromkeys(order, 0)
    groups = {
        group.producer: group
        for group in channel_groups()
        if group.producer in order and group.producer not in FIXED
    }
    cost = network_instructions(narrow, size, board)
    saved = {name: _saving(narrow, group, step, size, board) for name, group in groups.items()}
    while cost > goal:
        rates = {
            name: importance[name][order[name][removed[name] : removed[name] + step]].sum()
            / saved[name]
            for name in groups
            if _may_lose(len(order[name]), removed[name], step) and saved[name] > 0
        }
        if not rates:
            raise TrainingError(
                f"{goal / 1e6:.1f} million instructions are fewer than the narrowest network of "
                f"{size} pixels takes, {cost / 1e6:.1f}: take a smaller --size"
            )
        name = min(rates, key=lambda item: (rates[item], item))
        removed[name] += step
        narrow |= _narrowed(narrow, groups[name], step)
        cost = network_instructions(narrow, size, board)
        changed = set(_touched(narrow, groups[name]))
        for other, group in groups.items():
            if changed.intersection(_touched(narrow, group)):
                saved[other] = _saving(narrow, group, step, size, board)
    return {name: np.sort(order[name][count:]) for name, count in removed.items() if count}


def _may_lose(channels: int, removed: int, step: int) -> bool:
    return channels - removed - step >= max(step, LEAST_SHARE * channels)


def _touched(kernels: Kernels, group: ChannelGroup) -> list[str]:
    names = [group.producer]
    for reader in group.readers:
        names += [first_of(reader.convolution, kernels)]
        names += [reader.depthwise] if reader.depthwise else []
    return names


def _narrowed(kernels: Kernels, group: ChannelGroup, step: int) -> Kernels:
    """The kernels that change where ``group`` has ``step`` channels less."""
    changed: Kernels = {}
    for position, name in enumerate(_touched(kernels, group)):
        height, width, inputs, outputs = kernels[name]
        changed[name] = (
            (height, width, inputs, outputs - step)
            if position == 0
            else (height, width, inputs - step, outputs)
        )
    return changed


def _saving(kernels: Kernels, group: ChannelGroup, step: int, size: int, board: Board) -> float:
    if kernels[group.producer][3] <= step:
        return 0.0
    before = {name: kernels[name] for name in _touched(kernels, group)}
    after = _narrowed(kernels, group, step)
    return layers_instructions(layer_shapes(before, size), board) - layers_instructions(
        layer_shapes(after, size), board
    )
