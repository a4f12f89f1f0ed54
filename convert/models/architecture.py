"""Channel widths of an SSDLite, where they are not the published network's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REDUCE = ".reduce"  # ends the name of the first of two convolutions that stand for one


@dataclass(frozen=True, slots=True)
class Architecture:
    """Which layers of the network are narrower than published, or split in two.

    ``channels``: outputs of a convolution by its layer's name; a depthwise convolution has those of
    what it reads. ``ranks``: a 1x1 convolution of that name is two, with so many channels between
    them and nothing but a bias. What is not named is as published.
    """

    channels: Mapping[str, int] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)

    def width(self, name: str, published: int) -> int:
        """Output channels of the convolution ``name``."""
        return self.channels.get(name, published)


PUBLISHED = Architecture()


def architecture_of(shapes: Mapping[str, tuple[int, ...]]) -> Architecture:
    """The architecture of a network whose kernels, by their layers' names, have these ``shapes``.

    Shapes as Keras has them: (height, width, inputs, outputs), of a depthwise kernel (height,
    width, channels, 1).
    """
    ranks = {name.removesuffix(REDUCE) for name in shapes if name.endswith(REDUCE)}
    return Architecture(
        channels={
            name: shape[3]
            for name, shape in shapes.items()
            if not name.endswith((".depthwise", "_depthwise", REDUCE, "Predictor"))
        },
        ranks={name: shapes[f"{name}{REDUCE}"][3] for name in sorted(ranks)},
    )
