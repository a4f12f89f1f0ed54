"""float16 weights: half the bytes, and the same operators in the same order.

The float16 variant is the float32 one with its constants stored in half precision, each expanded
by a DEQUANTIZE when the model is loaded. TensorFlow's converter makes the same of the network
(its post-training float16 quantisation), but from the start, which takes ten times as long.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.quantization import flatbuffer

_DEQUANTIZE_VERSION = 3  # the first that takes float16


def store_weights_in_half(model: Any) -> None:
    """Store the float32 constants of ``model`` as float16, rounded to nearest, in place.

    Its operators compute in float32 as before, on the rounded numbers.
    """
    graph = model.subgraphs[0]
    constants = [
        (index, tensor)
        for index, tensor in enumerate(graph.tensors)
        if tensor.type == schema.TensorType.FLOAT32
        and model.buffers[tensor.buffer].data is not None
    ]
    halves = {}
    for _, tensor in constants:
        if tensor.buffer not in halves:  # tensors of equal content share one
            halves[tensor.buffer] = len(model.buffers)
            buffer = schema.BufferT()
            values = flatbuffer.constant(model, tensor).astype("<f2")
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
    expansions = []
    for index, tensor in constants:
        stored = copy.copy(tensor)
        stored.type = schema.TensorType.FLOAT16
        stored.name = tensor.name + b"_half"
        stored.buffer, tensor.buffer = halves[tensor.buffer], 0  # the empty one: computed now
        expansion = schema.OperatorT()
        expansion.opcodeIndex = len(model.operatorCodes)
        expansion.inputs, expansion.outputs = [len(graph.tensors)], [index]
        graph.tensors.append(stored)
        expansions.append(expansion)
    for unused in halves.keys() - {tensor.buffer for tensor in graph.tensors}:
        model.buffers[unused].data = None
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _DEQUANTIZE_VERSION
    model.operatorCodes.append(code)
    graph.operators = [*expansions, *graph.operators]
