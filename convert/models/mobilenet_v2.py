"""MobileNetV2 as a table of inverted residual blocks (Sandler et al. 2018, arXiv:1801.04381).

Batch normalisation is folded: every convolution has a bias and nothing follows it but ReLU6.
Layers are named as in the published TensorFlow graphs, with dots for slashes.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor, layers

from convert.models.architecture import PUBLISHED, REDUCE, Architecture


class Stage(NamedTuple):
    """One row of the paper's table 2: ``repeats`` blocks, the first with ``stride``."""

    expansion: int
    channels: int
    repeats: int
    stride: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


def convolution(
    x: KerasTensor,
    channels: int,
    name: str,
    *,
    kernel: int = 1,
    stride: int = 1,
    relu: bool = True,
    architecture: Architecture = PUBLISHED,
) -> KerasTensor:
    """A convolution with bias, followed by ReLU6 unless ``relu`` is false.

    ``channels`` are those as published, which ``architecture`` may change; it may also have two
    convolutions in the place of one.
    """
    if name in architecture.ranks:
        x = layers.Conv2D(architecture.ranks[name], 1, padding="same", name=f"{name}{REDUCE}")(x)
    channels = architecture.width(name, channels)
    x = layers.Conv2D(channels, kernel, stride, padding="same", name=name)(x)
    return layers.ReLU(6.0, name=f"{name}.relu6")(x) if relu else x


def depthwise(x: KerasTensor, name: str, *, stride: int = 1) -> KerasTensor:
    """A 3x3 depthwise convolution with bias, followed by ReLU6."""
    x = layers.DepthwiseConv2D(3, stride, padding="same", name=name)(x)
    return layers.ReLU(6.0, name=f"{name}.relu6")(x)


def inverted_residual(
    x: KerasTensor,
    expansion: int,
    channels: int,
    stride: int,
    name: str,
    architecture: Architecture = PUBLISHED,
) -> tuple[KerasTensor, KerasTensor]:
    """One block; returns its output and its expanded features (SSD taps those of block 13)."""
    inputs, in_channels = x, x.shape[-1]
    if expansion > 1:
        x = convolution(x, in_channels * expansion, f"{name}.expand", architecture=architecture)
    expanded = x
    x = depthwise(x, f"{name}.depthwise", stride=stride)
    x = convolution(x, channels, f"{name}.project", relu=False, architecture=architecture)
    if stride == 1 and in_channels == x.shape[-1]:
        x = layers.Add(name=f"{name}.add")([inputs, x])
    return x, expanded


def backbone(
    inputs: KerasTensor, architecture: Architecture = PUBLISHED
) -> tuple[KerasTensor, KerasTensor]:
    """All of MobileNetV2 but its classifier.

    Returns the expanded features of block 13 (stride 16, 576 channels as published) and the last
    convolution (stride 32, 1280 channels).
    """
    x = convolution(inputs, 32, "Conv", kernel=3, stride=2, architecture=architecture)
    number, tap = 0, x
    for stage in STAGES:
        for repeat in range(stage.repeats):
            name = f"expanded_conv_{number}" if number else "expanded_conv"
            stride = stage.stride if repeat == 0 else 1
            x, expanded = inverted_residual(
                x, stage.expansion, stage.channels, stride, name, architecture
            )
            if number == 13:
                tap = expanded
            number += 1
    return tap, convolution(x, 1280, "Conv_1", architecture=architecture)
