"""Dead channels: layers' channels without weights, whose biases int8 would lose.

Scaled by their largest weight, which is zero or next to it, they get a scale so small that their
bias, in steps of it, does not fit into 32 bits. MobileNetV2 as published has some.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.quantization import flatbuffer
from convert.quantization.flatbuffer import WEIGHTED
from convert.quantization.layerwise import has_bias

_LIMITS = np.iinfo(np.int32)
_FITTING = 2.0**30  # steps that a bias may have: half of what fits, for corrections to come


def mend_dead_channels(float_model: Any, int8_model: Any) -> None:
    """Give channels of ``int8_model`` whose biases do not fit a scale with which they do, in place.

    ``float_model`` is the network it was made of, with the same names of outputs.
    """
    floats = {
        float_model.subgraphs[0].tensors[operator.outputs[0]].name: operator
        for name, operator in flatbuffer.operators(float_model)
        if name in WEIGHTED
    }
    tensors = int8_model.subgraphs[0].tensors
    for name, operator in flatbuffer.operators(int8_model):
        whole = floats.get(tensors[operator.outputs[0]].name)
        if name not in WEIGHTED or whole is None or not (has_bias(operator) and has_bias(whole)):
            continue
        kernel, bias = (tensors[operator.inputs[place]] for place in (1, 2))
        if not flatbuffer.weight_bits(kernel) or not flatbuffer.is_int32(bias):
            continue
        steps = flatbuffer.constant(int8_model, bias)
        full = (steps == _LIMITS.min) | (steps == _LIMITS.max)
        scales = np.array(kernel.quantization.scale, np.float64)
        if full.any() and len(scales) == len(full):
            real = [
                flatbuffer.constant(float_model, float_model.subgraphs[0].tensors[index])
                for index in whole.inputs[1:3]
            ]
            step = float(tensors[operator.inputs[0]].quantization.scale[0])
            fitting = np.abs(real[1].astype(np.float64)) / (step * _FITTING)
            scales = np.where(full, np.maximum(scales, fitting), scales)
            _rescale(int8_model, kernel, bias, (real[0], real[1]), scales, step)


def _rescale(
    model: Any, kernel: Any, bias: Any, real: tuple[Any, Any], scales: Any, step: float
) -> None:
    """Store the ``real`` weights and biases by ``scales``, float64 (channels,)."""
    kernel.quantization.scale = scales.astype(np.float32)
    largest = flatbuffer.largest_weight(kernel)
    weights = np.clip(np.rint(real[0] / flatbuffer.step_sizes(kernel)), -largest, largest)
    flatbuffer.set_constant(model, kernel, weights.astype(np.int8))
    biases = np.clip(np.rint(real[1] / (step * scales)), _LIMITS.min, _LIMITS.max)
    flatbuffer.set_constant(model, bias, biases.astype(np.int32))
    bias.quantization.scale = (step * scales).astype(np.float32)
