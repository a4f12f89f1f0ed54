"""Layers: every operator of a model as a model of its own, to be counted alone.

Their sum is the whole model's count and, per operator, about six thousand instructions of being
invoked on its own: what two precisions of one layer differ by can be added up over a network.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from convert.arm.count import count_invokes
from convert.arm.emulator import Cpu
from convert.quantization import flatbuffer
from device.errors import InterpreterError
from device.runtimes import InterpreterName


@dataclass(frozen=True)
class Layer:
    """One operator that runs at every invoke."""

    operator: str  # such as CONV_2D
    output: str  # name of the (first) tensor it writes
    model: bytes  # a .tflite file of it alone


@dataclass(frozen=True)
class LayerCount:
    """Arm instructions of one operator, invoked alone, or why it cannot be."""

    operator: str
    output: str
    instructions: int | InterpreterError


def count_layers(
    model: Path, cpu: Cpu, interpreter: InterpreterName = "litert"
) -> list[LayerCount]:
    """Arm instructions of each operator of ``model``, in the order they run.

    Raises as :func:`convert.arm.count_invokes`.
    """
    layers = list(split_layers(model.read_bytes()))
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        paths = [Path(scratch) / f"{number:04}.tflite" for number in range(len(layers))]
        for layer, path in zip(layers, paths, strict=True):
            path.write_bytes(layer.model)
        counts = count_invokes(paths, cpu, interpreter)
    return [
        LayerCount(layer.operator, layer.output, count)
        for layer, count in zip(layers, counts, strict=True)
    ]


def split_layers(data: bytes) -> Iterator[Layer]:
    """Each operator of a ``.tflite`` file's main graph as a model of its own.

    What it reads of other operators becomes an input; what is computed from constants alone,
    such as float16 weights made float32, goes with each operator that reads it.
    """
    model = flatbuffer.read(data)
    graph = model.subgraphs[0]
    constants = {
        index
        for index, tensor in enumerate(graph.tensors)
        if (content := model.buffers[tensor.buffer].data) is not None and len(content)
    }
    prepared: dict[int, list[Any]] = {}  # tensors computed from constants, and by what
    for name, operator in flatbuffer.operators(model):
        needed = [step for index in operator.inputs for step in prepared.get(index, [])]
        steps = [*needed, operator]
        inputs = [index for index in operator.inputs if index >= 0 and index not in constants]
        if set(inputs) <= set(prepared):
            prepared.update(dict.fromkeys(operator.outputs, steps))
            continue
        inputs = [index for index in dict.fromkeys(inputs) if index not in prepared]
        output = graph.tensors[operator.outputs[0]].name.decode()
        yield Layer(name, output, flatbuffer.write(_only(model, steps, inputs, constants)))


def _only(model: Any, steps: list[Any], inputs: list[int], constants: set[int]) -> Any:
    """A model of ``steps`` alone, that answers with what the last of them does."""
    whole = model.subgraphs[0]
    kept = sorted({i for step in steps for i in (*step.inputs, *step.outputs) if i >= 0})
    place = {index: number for number, index in enumerate(kept)} | {-1: -1}

    graph = schema.SubGraphT()
    part = copy.copy(model)  # its metadata too: it can ask for arithmetic in half precision
    part.subgraphs, part.signatureDefs = [graph], []
    part.buffers = [
        buffer if number in _metadata_buffers(model) else schema.BufferT()
        for number, buffer in enumerate(model.buffers)
    ]
    graph.tensors = [whole.tensors[index] for index in kept]
    for index in constants.intersection(kept):
        part.buffers[whole.tensors[index].buffer] = model.buffers[whole.tensors[index].buffer]
    graph.operators = []
    for step in steps:
        moved = copy.copy(step)
        moved.inputs = [place[index] for index in step.inputs]
        moved.outputs = [place[index] for index in step.outputs]
        graph.operators.append(moved)
    graph.inputs = [place[index] for index in inputs]
    graph.outputs = [place[index] for index in steps[-1].outputs]
    return part


def _metadata_buffers(model: Any) -> set[int]:
    return {entry.buffer for entry in model.metadata or []}
