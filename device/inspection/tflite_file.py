"""The reader of `.tflite` files: what they say of themselves, without an interpreter.

The accessors are LiteRT's own, generated from the format's schema: 7 MB once imported, which is
why they are imported where they are used, in a child process that ends.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from device.compiled_model import EDGE_TPU_OPERATOR
from device.errors import InterpreterError, ModelError
from device.files import MOST_OF_A_MODEL, open_regular, read_regular
from device.inspection.edge_tpu_package import oldest_runtime
from device.inspection.tflite_facts import POST_PROCESS, FileFacts, TensorFacts
from device.runtimes import INSTALL_LITERT

IDENTIFIER = b"TFL3"  # at offset 4 of every file
METADATA = "TFLITE_METADATA"

# What stands between a result and the output that holds it, changing its form at most.
_FORMS = frozenset({"QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST"})
_INTEGER_WEIGHTS = frozenset({"int8", "uint8", "int4"})
_WEIGHTS = _INTEGER_WEIGHTS | {"float32", "float16"}  # biases, sizes and axes are others
_AFFINE = frozenset({"ADD", "SUB", "MUL", "DIV"})


def is_tflite(path: Path) -> bool:
    """Whether ``path`` is a file with the mark of the format."""
    try:
        with open_regular(path) as file:
            return file.read(8)[4:] == IDENTIFIER
    except OSError:
        return False


def read_facts(path: Path) -> FileFacts:
    """Read ``path``, its first graph.

    Raises :class:`ModelError` for a file that cannot be read, is of another format or damaged,
    and ``InterpreterError`` where LiteRT is missing.
    """
    try:
        data = read_regular(path, MOST_OF_A_MODEL)
    except OSError as exc:
        raise ModelError(f"{path}: {exc.strerror}") from exc
    if data[4:8] != IDENTIFIER:
        raise ModelError(f"{path} is no TFLite model: it does not begin with its mark, TFL3")
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as exc:
        raise InterpreterError(
            f"reading a bare model needs LiteRT ({exc}): {INSTALL_LITERT}"
        ) from exc
    try:
        return _Reader(schema.Model.GetRootAs(data, 0), schema).facts()
    except Exception as exc:  # generated readers raise whatever damaged bytes make them
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise ModelError(
            f"{path} is damaged or incomplete ({reason}): get or convert it again"
        ) from exc


def _names(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


class _Affine(NamedTuple):
    """A tensor that is the input times a factor plus an addend, per channel."""

    tensor: int
    pairs: tuple[tuple[float, float], ...]


class _Reader:
    """The first graph of a model, its parts by number."""

    def __init__(self, model: Any, schema: Any) -> None:
        self.model = model
        self.graph = model.Subgraphs(0)
        self.types = {value: name.lower() for value, name in _names(schema.TensorType).items()}
        builtin = _names(schema.BuiltinOperator)
        self.codes = []
        for index in range(model.OperatorCodesLength()):
            code = model.OperatorCodes(index)
            name = builtin[max(code.DeprecatedBuiltinCode(), code.BuiltinCode())]
            name = _text(code.CustomCode()) if name == "CUSTOM" else name
            self.codes.append((name, code.Version()))
        self.operators = [self.graph.Operators(i) for i in range(self.graph.OperatorsLength())]
        self.writers = {
            int(tensor): (operator, slot)
            for operator in self.operators
            for slot, tensor in enumerate(operator.OutputsAsNumpy())
        }

    def facts(self) -> FileFacts:
        inputs = [int(index) for index in self.graph.InputsAsNumpy()]
        outputs = [int(index) for index in self.graph.OutputsAsNumpy()]
        names = self._signature_names()
        affine = self._affine(inputs[0]) if inputs else None
        return FileFacts(
            contents=self._contents(),
            operators=self._versions(),
            inputs=tuple(self._tensor(index, names) for index in inputs),
            outputs=tuple(self._tensor(index, names) for index in outputs),
            input_affine=affine.pairs if affine is not None else (),
            input_range=self._range(affine.tensor) if affine is not None else (0.0, 0.0),
            classes=self._classes(),
            metadata=self._metadata(),
            edge_tpu_runtime=self._edge_tpu_runtime(),
        )

    def _name(self, operator: Any) -> str:
        return str(self.codes[operator.OpcodeIndex()][0])

    def _dtype(self, index: int) -> str:
        return self.types[self.graph.Tensors(index).Type()]

    def _tensor(self, index: int, names: dict[int, str]) -> TensorFacts:
        tensor = self.graph.Tensors(index)
        quantization = tensor.Quantization()
        scale, zero_point = 0.0, 0
        if quantization is not None and quantization.ScaleLength() == 1:
            scale, zero_point = float(quantization.Scale(0)), int(quantization.ZeroPoint(0))
            if not math.isfinite(scale) or scale < 0:
                raise ValueError(f"tensor {index} has scale {scale}")
        shape = tuple(int(side) for side in _array(tensor.ShapeAsNumpy()))
        signature = _array(tensor.ShapeSignatureAsNumpy())
        if len(signature) != len(shape):
            signature = np.array(shape, np.int64)
        operator, slot = self._writer(index)
        return TensorFacts(
            name=_text(tensor.Name()),
            signature=names.get(index, ""),
            shape=shape,
            free=tuple(bool(side < 0) for side in signature),
            dtype=self._dtype(index),
            scale=scale,
            zero_point=zero_point,
            operator=operator,
            slot=slot,
        )

    def _writer(self, index: int) -> tuple[str, int]:
        """The operator that computes a tensor, forms looked through, and its output's number."""
        for _ in self.operators:
            if index not in self.writers:
                break
            operator, slot = self.writers[index]
            if self._name(operator) not in _FORMS:
                return self._name(operator), slot
            index = int(operator.Inputs(0))
        return "", 0

    def _signature_names(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for number in range(self.model.SignatureDefsLength()):
            signature = self.model.SignatureDefs(number)
            if signature.SubgraphIndex() != 0:
                continue
            for length, item in (
                (signature.InputsLength(), signature.Inputs),
                (signature.OutputsLength(), signature.Outputs),
            ):
                entries = [item(i) for i in range(length)]
                names |= {int(entry.TensorIndex()): _text(entry.Name()) for entry in entries}
        return names

    def _versions(self) -> dict[str, int]:
        versions: Counter[str] = Counter()
        for number in range(self.model.SubgraphsLength()):
            graph = self.model.Subgraphs(number)
            for index in range(graph.OperatorsLength()):
                name, version = self.codes[graph.Operators(index).OpcodeIndex()]
                versions[name] = max(version, versions[name])
        return dict(sorted(versions.items()))

    def _buffer(self, index: int) -> Any:
        return self.model.Buffers(self.graph.Tensors(index).Buffer())

    def _contents(self) -> str:
        """What most of the weights are, and what is computed with them."""
        if EDGE_TPU_OPERATOR in {self._name(operator) for operator in self.operators}:
            return "edgetpu"
        weights: Counter[str] = Counter()
        for index in range(self.graph.TensorsLength()):
            if (dtype := self._dtype(index)) in _WEIGHTS:
                weights[dtype] += self._buffer(index).DataLength()
        kind = weights.most_common(1)[0][0] if weights.total() else "float32"
        if kind not in _INTEGER_WEIGHTS:
            return kind
        values = Counter(
            self._dtype(int(operator.Outputs(0)))
            for operator in self.operators
            if operator.OutputsLength() and self._name(operator) not in _FORMS
        )
        common = values.most_common(1)[0][0] if values else kind
        return {"float32": "dynamic", "int16": "int16x8"}.get(common, kind)

    def _affine(self, index: int) -> _Affine:
        """What the operators right after the input make of it, if they only multiply and add."""
        factor, addend = np.ones(1), np.zeros(1)
        for _ in self.operators:
            reader = self._only_reader(index)
            if reader is None or self._name(reader) not in _AFFINE:
                break
            inputs = [int(other) for other in reader.InputsAsNumpy()]
            others = [other for other in inputs if other != index]
            if len(others) != 1 or self._dtype(others[0]) != "float32":
                break
            data = bytes(_array(self._buffer(others[0]).DataAsNumpy()))
            constant = np.frombuffer(data, "<f4").astype(np.float64)
            # Computed, or a whole picture: neither is a normalisation.
            if constant.size not in (1, 3) or not np.isfinite(constant).all():
                break
            name, first = self._name(reader), inputs[0] == index
            if name == "MUL" or (name == "DIV" and first and constant.all()):
                by = constant if name == "MUL" else 1 / constant
                factor, addend = factor * by, addend * by
            elif name == "ADD" or (name == "SUB" and first):
                addend = addend + (constant if name == "ADD" else -constant)
            elif name == "SUB":
                factor, addend = -factor, constant - addend
            else:
                break
            index = int(reader.Outputs(0))
        pairs = np.broadcast_arrays(factor, addend)
        moved = (factor != 1).any() or (addend != 0).any()
        told = tuple(zip(*(pair.tolist() for pair in pairs), strict=True)) if moved else ()
        return _Affine(index, told)

    def _only_reader(self, index: int) -> Any | None:
        readers = [item for item in self.operators if index in _array(item.InputsAsNumpy())]
        return readers[0] if len(readers) == 1 else None

    def _range(self, index: int) -> tuple[float, float]:
        """What a float tensor can hold that is only quantised to 8 bits; (0, 0) of others."""
        reader = self._only_reader(index)
        if reader is None or self._name(reader) != "QUANTIZE" or self._dtype(index) != "float32":
            return 0.0, 0.0
        tensor = self._tensor(int(reader.Outputs(0)), {})
        if tensor.dtype not in ("int8", "uint8"):
            return 0.0, 0.0
        limits = np.iinfo(tensor.dtype)
        low, high = (
            tensor.scale * (limit - tensor.zero_point) for limit in (limits.min, limits.max)
        )
        return float(low), float(high)

    def _classes(self) -> int | None:
        for operator in self.operators:
            if self._name(operator) == POST_PROCESS:
                from flatbuffers import flexbuffers

                options = flexbuffers.GetRoot(operator.CustomOptionsAsNumpy().tobytes())
                with contextlib.suppress(KeyError, TypeError):  # it may run all the same
                    return int(options.AsMap["num_classes"].AsInt)
        return None

    def _edge_tpu_runtime(self) -> int | None:
        for operator in self.operators:
            if self._name(operator) == EDGE_TPU_OPERATOR:
                return oldest_runtime(_array(operator.CustomOptionsAsNumpy()).tobytes())
        return None

    def _metadata(self) -> bytes:
        for number in range(self.model.MetadataLength()):
            entry = self.model.Metadata(number)
            if _text(entry.Name()) == METADATA:
                return bytes(_array(self.model.Buffers(entry.Buffer()).DataAsNumpy()))
        return b""


def _text(name: bytes | None) -> str:
    return (name or b"").decode(errors="replace")


def _array(values: Any) -> Any:
    """A vector of the file; the accessors return 0 where there is none."""
    return np.empty(0, np.uint8) if isinstance(values, int) else values
