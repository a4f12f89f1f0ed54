"""The specification of a candidate: how a variant of mixed precision is quantised, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ranges = Literal["mean", "widest"]
Rounding = Literal["min-max", "mse", "second-order"]
Granularity = Literal["channel", "tensor"]
WeightBits = Literal[4, 8]


@dataclass(frozen=True, slots=True)
class CandidateSpec:
    """How a candidate is quantised; the layers not named compute in int8.

    ``ranges`` of activations are the calibration pictures' mean or widest minimum and maximum;
    ``rounding`` scales weights by their largest, or by the least squared error; ``second-order``
    takes the scales of the first, and the steps of :mod:`convert.quantization.gptq`.
    ``weight_bits`` are those of CONV_2D: for a depthwise layer LiteRT knows 8 alone, and for a
    dense one tflite-runtime. The weights of a layer take at most ``weight_clusters`` values;
    0: as many as they like.
    """

    float_layers: frozenset[int] = frozenset()
    int16_layers: frozenset[int] = frozenset()  # of their activations
    ranges: Ranges = "mean"
    rounding: Rounding = "min-max"
    corrected: bool = True  # biases
    equalised: bool = False  # channels of the float network, by convert.quantization.equalization
    weight_bits: WeightBits = 8
    weight_clusters: int = 0

    @property
    def throughout(self) -> bool:
        """Whether every layer computes in int8."""
        return not self.float_layers and not self.int16_layers

    @property
    def weights(self) -> CandidateSpec:
        """What its weights depend on, and nothing else."""
        return CandidateSpec(
            rounding=self.rounding,
            weight_bits=self.weight_bits,
            weight_clusters=self.weight_clusters,
        )

    def describe(self) -> str:
        """In a few words."""
        parts = [f"{self.ranges} ranges", f"{self.rounding} weights"]
        parts += ["weights of 4 bits"] * (self.weight_bits == 4)
        parts += [f"{self.weight_clusters} clusters a layer"] * bool(self.weight_clusters)
        parts += ["biases corrected"] * self.corrected + ["channels equalised"] * self.equalised
        for layers, kind in ((self.float_layers, "float32"), (self.int16_layers, "int16")):
            if layers:
                parts.append(f"{kind}: {_spans(layers)}")
        return ", ".join(parts)


# As `build` makes int8. Second-order rounding gains a quarter more in output error, and takes the
# build a quarter longer: `tune` tries it.
BEST = CandidateSpec()


def _spans(layers: frozenset[int]) -> str:
    """``{1, 2, 3, 7}`` as ``1-3 7``."""
    spans: list[list[int]] = []
    for layer in sorted(layers):
        if spans and spans[-1][-1] == layer - 1:
            spans[-1].append(layer)
        else:
            spans.append([layer])
    return " ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
