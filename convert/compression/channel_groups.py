"""Channels that can be removed together: what makes them, and all that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convert.models.architecture import REDUCE
from convert.models.mobilenet_v2 import STAGES
from convert.models.ssdlite import EXTRA_LAYERS

BLOCKS = sum(stage.repeats for stage in STAGES)
TAPPED = 13  # block whose expanded channels the finest heads read
HEADS = ("BoxEncodingPredictor", "ClassPredictor")


@dataclass(frozen=True, slots=True)
class Reader:
    """A convolution that reads a group's channels, behind a depthwise one unless that is ""."""

    convolution: str
    depthwise: str = ""


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """The output channels of the convolution ``producer``.

    They reach a reader directly or through its depthwise convolution, which has a channel for each;
    no sum with other channels lies between, so any of them can go.
    """

    producer: str
    readers: tuple[Reader, ...]
    activated: bool = True  # a ReLU6 follows the producer

    @property
    def activation(self) -> str:
        """The Keras layer whose output the readers read."""
        return f"{self.producer}.relu6" if self.activated else self.producer


def channel_groups() -> tuple[ChannelGroup, ...]:
    """All groups of an SSDLite MobileNetV2.

    The channels between blocks are in none: they are summed with those of other blocks.
    """
    groups = [
        ChannelGroup("Conv", (Reader("expanded_conv.project", "expanded_conv.depthwise"),)),
        *(_expansion(block) for block in range(1, BLOCKS)),
        ChannelGroup(f"expanded_conv_{BLOCKS - 1}.project", (Reader("Conv_1"),), activated=False),
    ]
    squeezes = [f"layer_19_1_Conv2d_{number}_1x1_{less}" for number, less, _ in EXTRA_LAYERS]
    features = [f"layer_19_2_Conv2d_{number}_3x3_s2_{more}" for number, _, more in EXTRA_LAYERS]
    sources = ["Conv_1", *features]
    for level, source in enumerate(sources, start=1):
        following = [Reader(squeezes[level - 1])] if level <= len(squeezes) else []
        groups.append(ChannelGroup(source, (*_heads(level), *following)))
    groups += [
        ChannelGroup(squeeze, (Reader(feature, f"{feature}_depthwise"),))
        for squeeze, feature in zip(squeezes, features, strict=True)
    ]
    return tuple(groups)


def _expansion(block: int) -> ChannelGroup:
    name = f"expanded_conv_{block}"
    readers: tuple[Reader, ...] = (Reader(f"{name}.project", f"{name}.depthwise"),)
    if block == TAPPED:
        readers += _heads(0)
    return ChannelGroup(f"{name}.expand", readers)


def _heads(level: int) -> tuple[Reader, ...]:
    names = [f"BoxPredictor_{level}.{head}" for head in HEADS]
    return tuple(Reader(name, f"{name}_depthwise") for name in names)


def first_of(convolution: str, known: Mapping[str, object]) -> str:
    """The layer that reads for ``convolution``: the first where it is two of those ``known``."""
    return f"{convolution}{REDUCE}" if f"{convolution}{REDUCE}" in known else convolution
