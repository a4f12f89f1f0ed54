"""Candidates: mixed-precision variants of one network, all made from one calibration.

ai-edge-quantizer makes each; what it leaves out is put in afterwards: the mean errors of rounding
are taken out of the biases (:mod:`.bias_correction`), and equal vectors are stored once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.calibrator import CalibrationMode, Calibrator
from ai_edge_quantizer.quantizer import Quantizer
from ai_edge_quantizer.recipe_manager import RecipeManager
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.output_capture import quiet
from convert.quantization import flatbuffer
from convert.quantization.flatbuffer import WEIGHTED

Ranges = Literal["mean", "widest"]
Rounding = Literal["min-max", "mse", "second-order"]
Granularity = Literal["channel", "tensor"]


@dataclass(frozen=True, slots=True)
class CandidateSpec:
    """How a candidate is quantised; the layers not named compute in int8.

    ``ranges`` of activations are the calibration pictures' mean or widest minimum and maximum;
    ``rounding`` scales weights by their largest, or by the least squared error; ``second-order``
    takes the scales of the first, and the steps of :mod:`convert.quantization.gptq`.
    """

    float_layers: frozenset[int] = frozenset()
    int16_layers: frozenset[int] = frozenset()  # of their activations
    ranges: Ranges = "mean"
    rounding: Rounding = "min-max"
    corrected: bool = True  # biases
    equalised: bool = False  # channels of the float network, by convert.quantization.equalization

    @property
    def throughout(self) -> bool:
        """Whether every layer computes in int8."""
        return not self.float_layers and not self.int16_layers

    def describe(self) -> str:
        """In a few words."""
        parts = [f"{self.ranges} ranges", f"{self.rounding} weights"]
        parts += ["biases corrected"] * self.corrected + ["channels equalised"] * self.equalised
        for layers, kind in ((self.float_layers, "float32"), (self.int16_layers, "int16")):
            if layers:
                parts.append(f"{kind}: {_spans(layers)}")
        return ", ".join(parts)


# As `build` makes int8. Second-order rounding gains a quarter more in output error, and takes the
# build a quarter longer: `tune` tries it.
BEST = CandidateSpec()

# Of the logits of an SSD's scores, at least: 0.0003 to 0.9997 of probability. Calibration pictures
# that do not show a class, or nothing of a size, would have all its scores cut off.
LOGIT_RANGE = (-8.0, 8.0)
SCORES = "scores_"  # what the names of these outputs begin with


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
    """Makes ``.tflite`` files from the bytes of the float32 one and some pictures.

    ``inputs`` are float32 (pictures, height, width, 3), normalised to ``value_range``. Layers are
    numbered as their operators run. Raises :class:`ConversionError` for a model whose calibration
    fails.
    """

    def __init__(
        self,
        float32: bytes,
        inputs: NDArray[np.float32],
        value_range: tuple[float, float],
        granularity: Granularity = "channel",
        *,
        calibration: Iterable[NDArray[np.float32]] | None = None,
        logits: bool = False,
        debug: bool = False,
    ) -> None:
        """``calibration``: what ranges are taken of, (1, height, width, 3); None: ``inputs``.

        ``logits``: the outputs ``scores_0``, ... hold logits, of at least :data:`LOGIT_RANGE`.
        """
        self._float32 = float32
        self._float = flatbuffer.read(float32)
        self._inputs = inputs
        self._value_range = value_range
        self._granularity = granularity
        self._logits = logits
        self._debug = debug
        self._equalised: CandidateMaker | None = None
        self._steps: Mapping[bytes, NDArray[np.int8]] | None = None
        self._missing: dict[Rounding, Mapping[bytes, NDArray[np.float64]]] = {}
        tensors = self._float.subgraphs[0].tensors
        operators = flatbuffer.operators(self._float)
        self.layers = [tensors[item.outputs[0]].name.decode() for _, item in operators]
        self.weighted = [n for n, (name, _) in enumerate(operators) if name in WEIGHTED]
        self._ranges = self._calibrate(
            (image[np.newaxis] for image in inputs) if calibration is None else calibration
        )

    def _calibrate(self, images: Iterable[NDArray[np.float32]]) -> Mapping[Ranges, dict[str, Any]]:
        """Each tensor's range on each picture, joined in the two ways a choice knows."""
        recipe = RecipeManager()
        self._quantise_all(recipe)
        (signature,) = self._float.signatureDefs
        key, name = signature.signatureKey.decode(), signature.inputs[0].name.decode()
        found = []
        try:
            with _hushed(self._debug):
                # One for all images, which keeps extremes alone and no tensors: in a quarter of the
                # time of Quantizer.calibrate for each, with the same ranges.
                calibrator = Calibrator(
                    self._float32, mode=CalibrationMode.CALIBRATION_PROFILER_BASED
                )
                for image in images:
                    calibrator.reset_model_qsvs()
                    calibrator.calibrate({key: [{name: image}]}, recipe)
                    found.append(calibrator.get_model_qsvs())
        except (ValueError, RuntimeError) as exc:
            raise ConversionError(f"the float32 network cannot be calibrated: {exc}") from exc
        joined: dict[Ranges, dict[str, Any]] = {"mean": {}, "widest": {}}
        for tensor in found[0]:
            lows, highs = (
                np.stack([np.asarray(item[tensor][end], np.float32) for item in found])
                for end in ("min", "max")
            )
            joined["mean"][tensor] = {"min": lows.mean(axis=0), "max": highs.mean(axis=0)}
            joined["widest"][tensor] = {"min": lows.min(axis=0), "max": highs.max(axis=0)}
        graph = self._float.subgraphs[0]
        source = graph.tensors[graph.inputs[0]].name.decode()
        scores = [
            name
            for output in signature.outputs
            if self._logits and output.name.decode().startswith(SCORES)
            for name in self._reshaped_from(output.tensorIndex)
        ]
        for ranges in joined.values():  # a step for each byte of a picture, whatever these showed
            ends = ranges[source]
            for end, value in zip(("min", "max"), self._value_range, strict=True):
                ends[end] = np.full_like(ends[end], value)
            for tensor in scores:
                least, most = LOGIT_RANGE
                ends = ranges[tensor]
                ends["min"] = np.minimum(ends["min"], least).astype(ends["min"].dtype)
                ends["max"] = np.maximum(ends["max"], most).astype(ends["max"].dtype)
        return joined

    def _reshaped_from(self, index: int) -> Iterator[str]:
        """A tensor, and those that are reshaped into it: one range must do for all of them."""
        makers = {item.outputs[0]: (name, item) for name, item in flatbuffer.operators(self._float)}
        while True:
            yield self._float.subgraphs[0].tensors[index].name.decode()
            name, operator = makers[index]
            if name != "RESHAPE":
                return
            index = operator.inputs[0]

    @property
    def _weight_granularity(self) -> qtyping.QuantGranularity:
        return qtyping.QuantGranularity(f"{self._granularity.upper()}WISE")

    def _quantise_all(self, recipe: Quantizer | RecipeManager) -> None:
        """Let ``recipe`` say int8 of every operator."""
        every = qtyping.TFLOperationName.ALL_SUPPORTED
        rounding = AlgorithmName.MIN_MAX_UNIFORM_QUANT
        recipe.add_static_config(".*", every, 8, 8, self._weight_granularity, rounding)

    def _quantizer(self, choice: CandidateSpec) -> Quantizer:
        quantizer = Quantizer(self._float32)
        granularity = self._weight_granularity
        every = qtyping.TFLOperationName.ALL_SUPPORTED
        rounding = AlgorithmName.MIN_MAX_UNIFORM_QUANT
        self._quantise_all(quantizer)
        if choice.rounding == "mse":
            for name in WEIGHTED:
                operation = qtyping.TFLOperationName(name)
                quantizer.add_static_config(".*", operation, 8, 8, granularity, AlgorithmName.MSE)
        if choice.int16_layers:
            pattern = self._pattern(choice.int16_layers)
            quantizer.add_static_config(pattern, every, 16, 8, granularity, rounding)
        if choice.float_layers:
            quantizer.update_quantization_recipe(
                self._pattern(choice.float_layers), every, algorithm_key=AlgorithmName.NO_QUANTIZE
            )
        return quantizer

    def _pattern(self, layers: frozenset[int]) -> str:
        """Matches the outputs of these layers: the quantiser writes ``name;`` for each."""
        names = "|".join(re.escape(self.layers[layer]) for layer in sorted(layers))
        return f"^(?:{names});$"

    def make(self, choice: CandidateSpec) -> bytes:
        """The file of ``choice``. Raises :class:`ConversionError` where it cannot be made."""
        if choice.equalised:
            return self._of_equalised().make(dataclasses.replace(choice, equalised=False))
        model = self._make_uncorrected(choice)
        if choice.corrected:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.bias_correction import add_to_biases

            add_to_biases(model, self._missing_means(choice.rounding))
        for buffer in model.buffers:  # as arrays: what is not, is written byte by byte
            if buffer.data is not None:
                buffer.data = np.frombuffer(bytes(buffer.data), np.uint8)
        return flatbuffer.write(model)

    def _make_uncorrected(self, choice: CandidateSpec) -> Any:
        try:
            with _hushed(self._debug):
                from convert.quantization.dead_channels import mend_dead_channels

                result = self._quantizer(choice).quantize(self._ranges[choice.ranges])
        except (ValueError, RuntimeError) as exc:
            reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
            raise ConversionError(f"no candidate with {choice.describe()}: {reason}") from exc
        model = flatbuffer.read(bytes(result.quantized_model))
        mend_dead_channels(self._float, model)
        if choice.rounding == "second-order":
            steps = self._second_order()
            for output, tensor in flatbuffer.int8_weights(model).items():
                if output in steps:
                    flatbuffer.set_constant(model, tensor, steps[output])
        return model

    def _of_equalised(self) -> CandidateMaker:
        """Makes candidates of the equalised network, which has the same layers."""
        if self._equalised is None:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.equalization import equalise
                from convert.quantization.layerwise import can_run

                if not can_run(self._float):
                    raise ConversionError("this network cannot be equalised")
                float32 = equalise(self._float32, self._inputs)
            self._equalised = CandidateMaker(
                float32,
                self._inputs,
                self._value_range,
                self._granularity,
                logits=self._logits,
                debug=self._debug,
            )
        return self._equalised

    def _second_order(self) -> Mapping[bytes, NDArray[np.int8]]:
        """int8 weights, by layer: they hold in any candidate with these scales."""
        if self._steps is None:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.gptq import round_weights
                from convert.quantization.layerwise import can_run

                model = self._make_uncorrected(CandidateSpec())
                known = can_run(self._float)
                self._steps = round_weights(self._float, model, self._inputs) if known else {}
        return self._steps

    def _missing_means(self, rounding: Rounding) -> Mapping[bytes, NDArray[np.float64]]:
        """What rounded weights lack, by layer: it holds in any candidate with these weights."""
        if rounding not in self._missing:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.bias_correction import missing_means
                from convert.quantization.layerwise import can_run

                model = self._make_uncorrected(CandidateSpec(rounding=rounding))
                known = can_run(self._float)
                self._missing[rounding] = (
                    missing_means(self._float, model, self._inputs) if known else {}
                )
        return self._missing[rounding]


def stack_inputs(items: Sequence[Mapping[str, NDArray[np.float32]]]) -> NDArray[np.float32]:
    """What a calibration data set yields, as one float32 (pictures, height, width, 3)."""
    return np.concatenate([tensor for item in items for tensor in item.values()])
