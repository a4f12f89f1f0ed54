"""Candidates: mixed-precision variants of one network, all made from one calibration.

ai-edge-quantizer makes each; what it leaves out is put in afterwards: the mean errors of rounding
are taken out of the biases (:mod:`.bias_correction`), and equal vectors are stored once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.quantizer import Quantizer
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.output_capture import quiet
from convert.quantization import flatbuffer
from convert.quantization.activation_ranges import activation_ranges
from convert.quantization.candidate_spec import CandidateSpec, Granularity
from convert.quantization.edge_quantizer import (
    EVERY,
    hushed,
    quantise_all,
    weight_granularity,
)
from convert.quantization.flatbuffer import WEIGHTED
from convert.quantization.weight_clusters import cluster_centres, nearest_centre


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
        # Of each choice of weights, whatever else a candidate chooses.
        self._steps: dict[CandidateSpec, Mapping[bytes, NDArray[np.int8]]] = {}
        self._missing: dict[CandidateSpec, Mapping[bytes, NDArray[np.float64]]] = {}
        tensors = self._float.subgraphs[0].tensors
        operators = flatbuffer.operators(self._float)
        self.layers = [tensors[item.outputs[0]].name.decode() for _, item in operators]
        self.weighted = [n for n, (name, _) in enumerate(operators) if name in WEIGHTED]
        seen = (image[np.newaxis] for image in inputs) if calibration is None else calibration
        self._ranges = activation_ranges(
            float32, seen, value_range, granularity, logits=logits, debug=debug
        )

    def _quantizer(self, choice: CandidateSpec) -> Quantizer:
        quantizer = Quantizer(self._float32)
        granularity = weight_granularity(self._granularity)
        rounding = AlgorithmName.MIN_MAX_UNIFORM_QUANT
        quantise_all(quantizer, self._granularity)
        if choice.rounding == "mse":
            for name in WEIGHTED:
                operation = qtyping.TFLOperationName(name)
                quantizer.add_static_config(".*", operation, 8, 8, granularity, AlgorithmName.MSE)
        if choice.weight_bits == 4:
            operation = qtyping.TFLOperationName.CONV_2D
            quantizer.add_static_config(".*", operation, 8, 4, granularity, rounding)
        if choice.int16_layers:
            pattern = self._pattern(choice.int16_layers)
            quantizer.add_static_config(pattern, EVERY, 16, 8, granularity, rounding)
        if choice.float_layers:
            quantizer.update_quantization_recipe(
                self._pattern(choice.float_layers), EVERY, algorithm_key=AlgorithmName.NO_QUANTIZE
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

            add_to_biases(model, self._missing_means(choice.weights))
        for buffer in model.buffers:  # as arrays: what is not, is written byte by byte
            if buffer.data is not None:
                buffer.data = np.frombuffer(bytes(buffer.data), np.uint8)
        return flatbuffer.write(model)

    def _make_uncorrected(self, choice: CandidateSpec) -> Any:
        try:
            with hushed(self._debug):
                from convert.quantization.dead_channels import mend_dead_channels

                result = self._quantizer(choice).quantize(self._ranges[choice.ranges])
        except (ValueError, RuntimeError) as exc:
            reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
            raise ConversionError(f"no candidate with {choice.describe()}: {reason}") from exc
        model = flatbuffer.read(bytes(result.quantized_model))
        mend_dead_channels(self._float, model)
        steps: Mapping[bytes, NDArray[np.int8]] = {}
        if choice.rounding == "second-order":
            steps = self._second_order(choice.weights)
        for output, tensor in flatbuffer.integer_weights(model).items():
            if output in steps:
                flatbuffer.set_constant(model, tensor, steps[output])
            elif choice.weight_clusters:
                plain = flatbuffer.constant(model, tensor)
                centres = cluster_centres(
                    plain, flatbuffer.step_sizes(tensor), choice.weight_clusters
                )
                flatbuffer.set_constant(model, tensor, nearest_centre(plain, centres))
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

    def _second_order(self, weights: CandidateSpec) -> Mapping[bytes, NDArray[np.int8]]:
        """Integer weights, by layer: they hold in any candidate with these scales."""
        if weights not in self._steps:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.gptq import round_weights
                from convert.quantization.layerwise import can_run

                plain = dataclasses.replace(weights, rounding="min-max", weight_clusters=0)
                model = self._make_uncorrected(plain)
                self._steps[weights] = {}
                if can_run(self._float):
                    self._steps[weights] = round_weights(
                        self._float, model, self._inputs, weights.weight_clusters
                    )
        return self._steps[weights]

    def _missing_means(self, weights: CandidateSpec) -> Mapping[bytes, NDArray[np.float64]]:
        """What rounded weights lack, by layer: it holds in any candidate with these weights."""
        if weights not in self._missing:
            with quiet(self._debug):  # TensorFlow talks while it is imported
                from convert.quantization.bias_correction import missing_means
                from convert.quantization.layerwise import can_run

                model = self._make_uncorrected(weights)
                known = can_run(self._float)
                self._missing[weights] = (
                    missing_means(self._float, model, self._inputs) if known else {}
                )
        return self._missing[weights]


def stack_inputs(items: Sequence[Mapping[str, NDArray[np.float32]]]) -> NDArray[np.float32]:
    """What a calibration data set yields, as one float32 (pictures, height, width, 3)."""
    return np.concatenate([tensor for item in items for tensor in item.values()])
