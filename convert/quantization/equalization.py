"""Cross-layer equalisation: channels of unlike size, which share one scale, made alike.

A layer without activation, whose outputs only go into convolutions and additions, may multiply
each channel by a factor that the layers after it divide by again: the network computes what it
did before (Nagel et al. 2019, arXiv:1906.04721, section 4.1). In MobileNetV2 those are its linear
bottlenecks, together with the additions between them. ReLU6 does not commute with factors, so
what it ends is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.quantization import flatbuffer
from convert.quantization.layerwise import has_bias, layer_inputs

SHARE = 0.5  # of the differences that inputs lose, the rest being left to the weights
LEAST = 1e-3  # of the largest channel: what is smaller is not made larger than this would be

Sizes = NDArray[np.float64]


@dataclass(slots=True)
class Bottleneck:
    """Tensors whose channels are scaled together, with the layers before and after them."""

    tensors: set[int] = field(default_factory=set)
    before: list[tuple[str, Any]] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)
    fixed: bool = False  # something else produces or uses one of the tensors

    def join(self, other: Bottleneck) -> None:
        """Become both."""
        self.tensors |= other.tensors
        self.before += other.before
        self.after += other.after
        self.fixed |= other.fixed


def equalise(float32: bytes, inputs: NDArray[np.float32]) -> bytes:
    """The network of a ``.tflite`` file with its bottlenecks equalised, which answers the same.

    One that :func:`.layerwise.can_run`. ``inputs``: float32 (pictures, height, width, 3),
    normalised, of which the sizes of channels are taken. The factor of a channel is the geometric
    middle between what would make the inputs alike and what would make the weights alike that
    they meet (as SmoothQuant, Xiao et al. 2023, arXiv:2211.10438, equation 4).
    """
    model = flatbuffer.read(float32)
    tensors = model.subgraphs[0].tensors
    sizes: dict[int, Sizes] = {}
    for _, operator, _, chunks in layer_inputs(model, inputs):
        values = [
            np.abs(chunk.numpy()).max(axis=tuple(range(1, chunk.ndim - 1))) for chunk in chunks
        ]
        sizes[operator.inputs[0]] = np.concatenate(values).mean(axis=0, dtype=np.float64)
    for bottleneck in bottlenecks(model):
        kernels = [tensors[operator.inputs[1]] for operator in bottleneck.after]
        met = _largest([flatbuffer.constant(model, kernel) for kernel in kernels])
        seen = np.max([sizes[index] for index in bottleneck.tensors & sizes.keys()], axis=0)
        factors = (met ** (1 - SHARE) / np.maximum(seen, LEAST * seen.max()) ** SHARE).astype(
            np.float32
        )
        for name, operator in bottleneck.before:
            across = (1, 1, 1, -1) if name == "DEPTHWISE_CONV_2D" else (-1, 1, 1, 1)
            _multiply(model, tensors[operator.inputs[1]], factors.reshape(across))
            if has_bias(operator):
                _multiply(model, tensors[operator.inputs[2]], factors)
        for kernel in kernels:
            _multiply(model, kernel, 1 / factors)
    return flatbuffer.write(model)


def bottlenecks(model: Any) -> Sequence[Bottleneck]:
    """Those of a float32 network whose channels may be scaled."""
    graph = model.subgraphs[0]
    found: dict[int, Bottleneck] = {}

    def of(index: int) -> Bottleneck:
        return found.setdefault(index, Bottleneck({index}))

    for index in (*graph.inputs, *graph.outputs):
        of(index).fixed = True
    for name, operator in flatbuffer.operators(model):
        linear = not getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        if name == "ADD" and linear and _same_shape(graph.tensors, operator):
            whole = of(operator.outputs[0])
            for index in operator.inputs:
                if (part := of(index)) is not whole:
                    whole.join(part)
                    found |= dict.fromkeys(part.tensors, whole)
            continue
        if name == "CONV_2D":
            of(operator.inputs[0]).after.append(operator)
        else:
            for index in operator.inputs:
                of(index).fixed = True
        for index in operator.outputs:
            if name in ("CONV_2D", "DEPTHWISE_CONV_2D") and linear:
                of(index).before.append((name, operator))
            else:
                of(index).fixed = True
    every = {id(item): item for item in found.values()}.values()
    return [item for item in every if item.before and item.after and not item.fixed]


def _same_shape(tensors: Sequence[Any], operator: Any) -> bool:
    one, other = (tuple(tensors[index].shape) for index in operator.inputs)
    return one == other


def _largest(kernels: Sequence[NDArray[np.float32]]) -> Sizes:
    """Of the weights that each input channel meets."""
    sizes = np.max([np.abs(kernel).max(axis=(0, 1, 2)) for kernel in kernels], axis=0)
    largest: Sizes = np.maximum(sizes, LEAST * sizes.max()).astype(np.float64)
    return largest


def _multiply(model: Any, tensor: Any, factors: NDArray[np.float32]) -> None:
    values = flatbuffer.constant(model, tensor) * factors
    flatbuffer.set_constant(model, tensor, values.astype(np.float32))
