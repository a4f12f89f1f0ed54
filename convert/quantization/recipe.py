"""Recipes: how a variant is made, as data."""

from __future__ import annotations

from typing import Literal, get_args

from convert.quantization.candidate_spec import Ranges, Rounding, WeightBits
from device.errors import UsageError
from device.schema import Record

Precision = Literal["float32", "float16", "dynamic", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

# The least cosine between an output of a variant and the same output of float32, over all check
# pictures together, below which the variant is called broken. A sound conversion of this family
# of networks is far above: what it reached is in every bundle's manifest.
LEAST_COSINE: dict[Precision, float] = {
    "float32": 0.99999,
    "float16": 0.999,
    "dynamic": 0.98,
    "int8": 0.95,
}
LEAST_COSINE_PACKED = 0.8  # of int8 whose weights are coarser yet, for a smaller file


class Int8Method(Record, frozen=True):
    """How int8 is fitted to its calibration pictures.

    What each field means is said by :class:`convert.quantization.candidate_spec.CandidateSpec`.
    """

    ranges: Ranges = "mean"
    rounding: Rounding = "min-max"
    corrected: bool = True


USUAL = Int8Method()  # what the published networks lose least with: docs/slim.md, docs/tune.md
# Of a network trained here, whose activations are largest where its few classes are: mean ranges
# cut off the half of its pictures in which an object is largest or surest, and move those boxes.
# Second-order rounding takes a few seconds more, which are little after a training.
TRAINED = Int8Method(ranges="widest", rounding="second-order")
HURRIED = Int8Method(ranges="widest")  # after Ctrl-C, when somebody waits
# Of one whose training rounded its weights to the nearest step: to do otherwise, or to correct for
# it, would undo what it learnt.
TRAINED_ROUNDED = Int8Method(ranges="widest", corrected=False)


class Recipe(Record, frozen=True):
    """One variant's precision and, where it calibrates, how."""

    precision: Precision
    calibration_pictures: int = 0
    bias_pictures: int = 0  # of these, how many the biases are corrected on
    seed: int = 0
    half_arithmetic: bool = True  # float16 only: may a processor also compute in float16?
    int8: Int8Method = USUAL  # int8 only
    integer_outputs: bool = False  # int8 only: fail if anything in the file is no integer
    weight_bits: WeightBits = 8  # int8 only: of CONV_2D
    weight_clusters: int = 0  # int8 only: that the weights of a layer take at most; 0: any number

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.precision == "int8" and self.calibration_pictures < 1:
            raise UsageError("int8 needs calibration pictures; give a folder with --calibration")

    @property
    def least_cosine(self) -> float:
        """Below this likeness to float32 the variant is broken."""
        return LEAST_COSINE_PACKED if self.packed else LEAST_COSINE[self.precision]

    @property
    def packed(self) -> bool:
        """Whether the weights are coarser than int8, for a smaller file."""
        return self.weight_bits < 8 or self.weight_clusters > 0

    def to_json(self) -> dict[str, str | int | float | bool]:
        """As recorded in the manifest."""
        recipe: dict[str, str | int | float | bool] = {"precision": self.precision}
        if self.precision == "int8":
            recipe |= {
                "calibration_pictures": self.calibration_pictures,
                "bias_pictures": self.bias_pictures,
                "seed": self.seed,
                "input": "uint8",
                "weights": "int8, a scale per channel",
                "activations": "int8",
                "outputs": "int8",
            }
            if self.weight_bits == 4:
                recipe["weights"] = "int4 in CONV_2D, else int8, a scale per channel"
            if self.weight_clusters:
                recipe["weight_clusters"] = self.weight_clusters
            if self.int8.ranges != "mean":
                recipe["ranges"] = self.int8.ranges
            if self.int8.rounding != "min-max":
                recipe["rounding"] = self.int8.rounding
            if not self.int8.corrected:
                recipe["trained"] = "rounded"
        if self.precision == "float16":
            recipe["half_arithmetic"] = self.half_arithmetic
        return recipe


def parse_variants(text: str) -> tuple[Precision, ...]:
    """``"int8,float32"`` as precisions, each once, in the order float32 to int8.

    float32 is always there: all others are measured against it. Raises ``UsageError``.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names:
        raise UsageError(f"--variants is empty: choose from {', '.join(PRECISIONS)}")
    if unknown := sorted(names - set(PRECISIONS)):
        raise UsageError(
            f"--variants {','.join(unknown)}: unknown; choose from {', '.join(PRECISIONS)}"
        )
    return tuple(name for name in PRECISIONS if name in names or name == "float32")
