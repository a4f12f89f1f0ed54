"""TFLite files as data: read, change, and write without the bytes nobody needs.

The object interface is LiteRT's own (``ai_edge_litert.tools.flatbuffer_utils``), generated from
the schema; it has no types, hence the ``Any`` here.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

from device.records import Tensor

IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16  # the schema's force_align of Buffer.data
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

_DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype("<f4"),
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT8: np.dtype("<i1"),
}
_BYTES_TO_INT8 = 128  # between the zero points of the same numbers as uint8 and as int8


def read(data: bytes) -> Any:
    """The model as a tree of objects."""
    return flatbuffer_utils.read_model_from_bytearray(bytearray(data))


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes equal vectors once, and tensor data where the schema wants it aligned.

    A model quantised per channel carries a zero for every channel of every tensor, in 64 bits
    each: thousands of equal vectors, a twelfth of the file.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - the parent's name
        """As the parent's, but once for equal content."""
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            if x.dtype == np.uint8:
                self.Prep(BUFFER_ALIGNMENT, x.nbytes)
            self._written[key] = int(super().CreateNumpyVector(x))
        return self._written[key]


def write(model: Any) -> bytes:
    """Serialise ``model``, equal vectors stored once: it computes what it did before."""
    builder = _SharingBuilder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def operators(model: Any) -> list[tuple[str, Any]]:
    """(name, operator) of the main graph, in the order they run."""
    return [
        (flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex), operator)
        for operator in model.subgraphs[0].operators
    ]


def operator_versions(model: Any) -> dict[str, int]:
    """The highest version of each operator the model uses, by name."""
    versions: dict[str, int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            version = model.operatorCodes[operator.opcodeIndex].version
            versions[name] = max(version, versions.get(name, 0))
    return dict(sorted(versions.items()))


def float_tensors(model: Any) -> list[str]:
    """Names of the tensors of real numbers."""
    real = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
    return [
        tensor.name.decode(errors="replace")
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type in real
    ]


def is_int8(tensor: Any) -> bool:
    """Whether it holds 8-bit integers."""
    return bool(tensor.type == schema.TensorType.INT8)


def weight_bits(tensor: Any) -> int:
    """8 or 4 for what is such an integer; 0 for all else."""
    bits: int = {schema.TensorType.INT8: 8, schema.TensorType.INT4: 4}.get(tensor.type, 0)
    return bits


def largest_weight(tensor: Any) -> int:
    """Of integer weights, in steps: they are symmetric."""
    return (1 << weight_bits(tensor) - 1) - 1


def is_int32(tensor: Any) -> bool:
    """Whether it holds 32-bit integers."""
    return bool(tensor.type == schema.TensorType.INT32)


def integer_weights(model: Any) -> dict[bytes, Any]:
    """The tensors of the weights of 8 or 4 bits, by the name of their layer's output."""
    tensors = model.subgraphs[0].tensors
    return {
        tensors[operator.outputs[0]].name: tensor
        for name, operator in operators(model)
        if name in WEIGHTED and weight_bits(tensor := tensors[operator.inputs[1]])
    }


def step_sizes(tensor: Any) -> NDArray[np.float32]:
    """What a step of each channel of an integer ``tensor`` is worth, to be multiplied with it."""
    shape = [1] * len(tensor.shape)
    shape[tensor.quantization.quantizedDimension] = -1
    return np.asarray(tensor.quantization.scale, np.float32).reshape(shape)


def constant(model: Any, tensor: Any) -> Tensor:
    """The data of a constant tensor, in its shape; integers of 4 bits as int8."""
    data = bytes(model.buffers[tensor.buffer].data)
    if tensor.type == schema.TensorType.INT4:
        values: Tensor = _unpacked(data, math.prod(tensor.shape))
    else:
        values = np.frombuffer(data, _DTYPES[tensor.type])
    return values.reshape(tensor.shape)


def set_constant(model: Any, tensor: Any, values: Tensor) -> None:
    """Replace the data of a constant tensor by ``values`` of the same shape and dtype."""
    assert values.shape == tuple(tensor.shape)
    if tensor.type == schema.TensorType.INT4:
        assert values.dtype == np.int8
        values = _packed(values)
    else:
        assert values.dtype == _DTYPES[tensor.type]
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)


def _unpacked(data: bytes, count: int) -> NDArray[np.int8]:
    """``count`` signed integers of 4 bits; two are in a byte, the first in its lower half."""
    both = np.frombuffer(data, np.int8)
    halves = np.stack((both << 4 >> 4, both >> 4), axis=-1)  # the sign is shifted in
    values: NDArray[np.int8] = halves.ravel()[:count]
    return values


def _packed(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    flat: NDArray[Any] = values.ravel().view(np.uint8) & 0x0F
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    packed: NDArray[np.uint8] = flat[::2] | flat[1::2] << 4
    return packed


def allow_half_precision(model: Any) -> None:
    """Let XNNPACK compute in float16 where the processor can, such as a Pi 5's.

    Written as the metadata entry that XNNPACK's delegate looks for; processors without float16
    arithmetic ignore it.
    """
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(b"fp16accfp16", np.uint8)
    entry = schema.MetadataT()
    entry.name = "reduced_precision_support"
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


def take_bytes(model: Any) -> None:
    """Let an int8 ``model`` take uint8 pictures, as a camera gives them, in place.

    A QUANTIZE comes before all else, as TensorFlow's converter writes it.
    """
    graph = model.subgraphs[0]
    (source,) = graph.inputs
    tensor = graph.tensors[source]
    assert is_int8(tensor)
    taken = copy.copy(tensor)
    taken.type, taken.name = schema.TensorType.UINT8, tensor.name
    tensor.name = tensor.name + b"_int8"
    taken.quantization = copy.copy(tensor.quantization)
    taken.quantization.zeroPoint = [int(tensor.quantization.zeroPoint[0]) + _BYTES_TO_INT8]
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes)
    operator.inputs, operator.outputs = [len(graph.tensors)], [source]
    operator.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
    operator.builtinOptions = schema.QuantizeOptionsT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 1
    model.operatorCodes.append(code)
    graph.inputs = [len(graph.tensors)]
    graph.tensors.append(taken)
    graph.operators = [operator, *graph.operators]
    for signature in model.signatureDefs or []:
        for entry in signature.inputs:
            if entry.tensorIndex == source:
                entry.tensorIndex = graph.inputs[0]


def has_full_biases(model: Any) -> bool:
    """Whether an int32 bias has reached its limit, and says nothing any more.

    It happens where all weights of a channel are zero: their scale, and with it the bias's, is next
    to nothing.
    """
    limits = np.iinfo(np.int32)
    tensors = model.subgraphs[0].tensors
    biases = [
        constant(model, tensors[operator.inputs[2]])
        for name, operator in operators(model)
        if name in WEIGHTED
        and len(operator.inputs) > 2
        and operator.inputs[2] >= 0
        and tensors[operator.inputs[2]].type == schema.TensorType.INT32
    ]
    return any(bool(((item == limits.min) | (item == limits.max)).any()) for item in biases)
