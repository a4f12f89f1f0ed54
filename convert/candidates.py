"""Mixed-precision candidates of one network, all made from one calibration.

ai-edge-quantizer makes each; what it leaves out is put in afterwards: the mean errors of rounding
are taken out of the biases (:mod:`convert.bias_correction`), and equal vectors are stored once.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.quantizer import Quantizer
from numpy.typing import NDArray

from convert import flatbuffer
from convert.errors import ConversionError
from convert.quiet import quiet

BIAS_PICTURES = 16
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_BETWEEN = ("QUANTIZE", "DEQUANTIZE")  # what the quantiser puts where precisions meet
_BIAS_DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT64: np.dtype("<i8"),
}

Ranges = Literal["mean", "widest"]
Rounding = Literal["min-max", "mse", "second-order"]
Granularity = Literal["channel", "tensor"]


@dataclass(frozen=True, slots=True)
class Choice:
    """How a candidate is quantised; the layers not named compute in int8.

    ``ranges`` of activations are the calibration pictures' mean or widest minimum and maximum;
    ``rounding`` scales weights by their largest, or by the least squared error; ``second-order``
    takes the scales of the first, and the steps of :mod:`convert.second_order`.
    """

    float_layers: frozenset[int] = frozenset()
    int16_layers: frozenset[int] = frozenset()  # of their activations
    ranges: Ranges = "mean"
    rounding: Rounding = "min-max"
    corrected: bool = True  # biases

    def describe(self) -> str:
        """In a few words."""
        parts = [f"{self.ranges} ranges", f"{self.rounding} weights"]
        parts += ["biases corrected"] * self.corrected
        for layers, kind in ((self.float_layers, "float32"), (self.int16_layers, "int16")):
            if layers:
                parts.append(f"{kind}: {_spans(layers)}")
        return ", ".join(parts)


@contextlib.contextmanager
def _hushed(debug: bool) -> Iterator[None]:
    """For ai-edge-quantizer, whose interpreters warn that keeping all tensors takes memory."""
    with quiet(debug), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _spans(layers: frozenset[int]) -> str:
    """``{1, 2, 3, 7}`` as ``1-3 7``."""
    spans: list[list[int]] = []
    for layer in sorted(layers):
        if spans and spans[-1][-1] == layer - 1:
            spans[-1].append(layer)
        else:
            spans.append([layer])
    return " ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)


class CandidateMaker:
    """Makes ``.tflite`` files from the float32 file of a network and some pictures.

    ``inputs`` are float32 (pictures, height, width, 3), normalised to ``value_range``. Layers are
    numbered as their operators run. Raises :class:`ConversionError` for a model whose calibration
    fails.
    """

    def __init__(
        self,
        float32: Path,
        inputs: NDArray[np.float32],
        value_range: tuple[float, float],
        granularity: Granularity = "channel",
        *,
        debug: bool = False,
    ) -> None:
        self._path = float32
        self._float = flatbuffer.read(float32.read_bytes())
        self._inputs = inputs
        self._granularity = qtyping.QuantGranularity(f"{granularity.upper()}WISE")
        self._debug = debug
        self._steps: dict[int, NDArray[np.int8]] | None = None
        self._corrections: dict[tuple[Ranges, Rounding], dict[int, NDArray[np.float64]]] = {}
        tensors = self._float.subgraphs[0].tensors
        operators = flatbuffer.operators(self._float)
        self.layers = [tensors[item.outputs[0]].name.decode() for _, item in operators]
        self.weighted = [n for n, (name, _) in enumerate(operators) if name in WEIGHTED]
        self._ranges = self._calibrate(value_range)

    def _calibrate(self, value_range: tuple[float, float]) -> Mapping[Ranges, dict[str, Any]]:
        """Each tensor's range on each picture, joined in the two ways a choice knows."""
        quantizer = self._quantizer(Choice())
        (signature,) = self._float.signatureDefs
        key, name = signature.signatureKey.decode(), signature.inputs[0].name.decode()
        found = []
        try:
            for picture in self._inputs:
                with _hushed(self._debug):
                    found.append(quantizer.calibrate({key: [{name: picture[np.newaxis]}]}))
        except (ValueError, RuntimeError) as exc:
            raise ConversionError(f"{self._path} cannot be calibrated: {exc}") from exc
        joined: dict[Ranges, dict[str, Any]] = {"mean": {}, "widest": {}}
        for tensor in found[0]:
            least, most = (
                np.stack([item[tensor][end] for item in found]) for end in ("min", "max")
            )
            joined["mean"][tensor] = {"min": least.mean(axis=0), "max": most.mean(axis=0)}
            joined["widest"][tensor] = {"min": least.min(axis=0), "max": most.max(axis=0)}
        graph = self._float.subgraphs[0]
        source = graph.tensors[graph.inputs[0]].name.decode()
        for ranges in joined.values():  # a step for each byte of a picture, whatever these showed
            ends = ranges[source]
            for end, value in zip(("min", "max"), value_range, strict=True):
                ends[end] = np.full_like(ends[end], value)
        return joined

    def _quantizer(self, choice: Choice) -> Quantizer:
        quantizer = Quantizer(str(self._path))
        every = qtyping.TFLOperationName.ALL_SUPPORTED
        rounding = AlgorithmName.MIN_MAX_UNIFORM_QUANT
        quantizer.add_static_config(".*", every, 8, 8, self._granularity, rounding)
        if choice.rounding == "mse":
            for name in WEIGHTED:
                operation = qtyping.TFLOperationName(name)
                quantizer.add_static_config(
                    ".*", operation, 8, 8, self._granularity, AlgorithmName.MSE
                )
        if choice.int16_layers:
            pattern = self._pattern(choice.int16_layers)
            quantizer.add_static_config(pattern, every, 16, 8, self._granularity, rounding)
        if choice.float_layers:
            quantizer.update_quantization_recipe(
                self._pattern(choice.float_layers), every, algorithm_key=AlgorithmName.NO_QUANTIZE
            )
        return quantizer

    def _pattern(self, layers: frozenset[int]) -> str:
        """Matches the outputs of these layers: the quantiser writes ``name;`` for each."""
        names = "|".join(re.escape(self.layers[layer]) for layer in sorted(layers))
        return f"^(?:{names});$"

    def make(self, choice: Choice) -> bytes:
        """The file of ``choice``. Raises :class:`ConversionError` where it cannot be made."""
        model = self._make_uncorrected(choice)
        if choice.corrected:
            self._correct(model, self._correction(choice.ranges, choice.rounding))
        for buffer in model.buffers:  # as arrays: what is not, is written byte by byte
            if buffer.data is not None:
                buffer.data = np.frombuffer(bytes(buffer.data), np.uint8)
        return flatbuffer.write(model)

    def _make_uncorrected(self, choice: Choice) -> Any:
        try:
            with _hushed(self._debug):
                result = self._quantizer(choice).quantize(self._ranges[choice.ranges])
        except (ValueError, RuntimeError) as exc:
            reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
            raise ConversionError(f"no candidate with {choice.describe()}: {reason}") from exc
        model = flatbuffer.read(bytes(result.quantized_model))
        if choice.rounding == "second-order":
            for layer, tensor in _weight_tensors(model).items():
                if layer in (steps := self._second_order()):
                    flatbuffer.set_constant(model, tensor, steps[layer])
        return model

    def _second_order(self) -> Mapping[int, NDArray[np.int8]]:
        """Weights of the layers in int8: they hold in any candidate with these scales."""
        if self._steps is None:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.bias_correction import can_correct
                from convert.second_order import round_weights

            model = self._make_uncorrected(Choice())
            rounded = {}
            if can_correct(model) and can_correct(self._float):
                with quiet(self._debug):
                    rounded = round_weights(self._float, model, self._inputs[:BIAS_PICTURES])
            names = {name: layer for layer, name in enumerate(self.layers)}
            self._steps = {names[name.decode()]: steps for name, steps in rounded.items()}
        return self._steps

    def _correction(self, ranges: Ranges, rounding: Rounding) -> dict[int, NDArray[np.float64]]:
        """What the biases of the all-int8 network lack, by layer, in real numbers.

        A layer's share is what its own rounding does, all before it being corrected already: it
        holds in any candidate in which that layer's weights are rounded so.
        """
        key = ranges, rounding
        if key not in self._corrections:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.bias_correction import can_correct, correct_biases

            model = self._make_uncorrected(Choice(ranges=ranges, rounding=rounding))
            missing = {}
            if can_correct(model) and can_correct(self._float):
                before = _biases(model)
                inputs = self._inputs[:BIAS_PICTURES]
                with quiet(self._debug):
                    correct_biases(self._float, model, np.concatenate((inputs, inputs[:, :, ::-1])))
                after = _biases(model)
                missing = {layer: values - before[layer] for layer, values in after.items()}
            self._corrections[key] = missing
        return self._corrections[key]

    def _correct(self, model: Any, missing: Mapping[int, NDArray[np.float64]]) -> None:
        for layer, (tensor, scale) in _bias_tensors(model).items():
            if layer not in missing:
                continue
            dtype = _BIAS_DTYPES[tensor.type]
            limits = np.iinfo(dtype)
            bias = np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype)
            steps = np.clip(bias + np.rint(missing[layer] / scale), limits.min, limits.max)
            data = steps.astype(dtype).tobytes()
            model.buffers[tensor.buffer].data = np.frombuffer(data, np.uint8)


def _weight_tensors(model: Any) -> dict[int, Any]:
    """The int8 weights, by layer."""
    tensors = model.subgraphs[0].tensors
    operators = [item for item in flatbuffer.operators(model) if item[0] not in _BETWEEN]
    return {
        layer: tensor
        for layer, (name, operator) in enumerate(operators)
        if name in WEIGHTED and flatbuffer.is_int8(tensor := tensors[operator.inputs[1]])
    }


def _bias_tensors(model: Any) -> dict[int, tuple[Any, NDArray[np.float64]]]:
    """The integer biases with their scales, by layer."""
    tensors = model.subgraphs[0].tensors
    operators = [item for item in flatbuffer.operators(model) if item[0] not in _BETWEEN]
    found = {}
    for layer, (name, operator) in enumerate(operators):
        if name not in WEIGHTED or len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue
        tensor = tensors[operator.inputs[2]]
        if tensor.type in _BIAS_DTYPES:
            found[layer] = tensor, np.asarray(tensor.quantization.scale, np.float64)
    return found


def _biases(model: Any) -> dict[int, NDArray[np.float64]]:
    """In real numbers."""
    return {
        layer: np.frombuffer(bytes(model.buffers[tensor.buffer].data), _BIAS_DTYPES[tensor.type])
        * scale
        for layer, (tensor, scale) in _bias_tensors(model).items()
    }


def stack_inputs(items: Sequence[Mapping[str, NDArray[np.float32]]]) -> NDArray[np.float32]:
    """What a calibration data set yields, as one float32 (pictures, height, width, 3)."""
    return np.concatenate([tensor for item in items for tensor in item.values()])
