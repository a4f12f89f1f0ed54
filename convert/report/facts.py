"""Facts of a report: a bundle's manifest, joined with its measured accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from convert.errors import EvaluationError
from convert.evaluation.accuracy import ACCURACY, Accuracy, VariantAccuracy
from convert.evaluation.bootstrap import Interval
from convert.reference import REFERENCE_VARIANT
from convert.side_file import read_side_file
from device.bundle.bundle import Bundle
from device.bundle.manifest import Check, Manifest, Variant
from device.runtimes import InterpreterName

Metric = Literal["mAP", "top-1", "agreement"]


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """One variant: what it weighs, how right it is, how long it takes where it was built.

    ``score`` is 0..1, in the metric of the report; ``drop`` is float32's score minus this one's,
    None for float32 itself and where nothing was measured against truth.
    """

    name: str
    size_bytes: int
    precision: str
    checks: Mapping[InterpreterName, Check]
    score: float | None = None
    interval: Interval | None = None
    second: float | None = None  # mAP at IoU 0.50, or top-5
    drop: float | None = None
    drop_interval: Interval | None = None
    classes: Mapping[str, float] = field(default_factory=dict)
    measured_with: str = ""
    half_arithmetic: bool = False  # a float16 file that processors may compute in float16

    @property
    def megabytes(self) -> float:
        """Size of the file in 10^6 bytes."""
        return self.size_bytes / 1e6

    def invoke_ms(self, interpreter: InterpreterName) -> float | None:
        """Median time of one invoke in ``interpreter``, None where it was not measured."""
        check = self.checks.get(interpreter)
        return check.invoke_ms if check is not None and check.ok else None

    @property
    def fastest(self) -> tuple[InterpreterName, float] | None:
        """The interpreter that was fastest, and its time in ms."""
        times = {name: self.invoke_ms(name) for name in self.checks}
        known = {name: time for name, time in times.items() if time is not None}
        return min(known.items(), key=lambda item: item[1]) if known else None


@dataclass(frozen=True, slots=True)
class Facts:
    """A bundle as its report sees it."""

    manifest: Manifest
    metric: Metric
    images: int  # pictures behind ``score``
    measured: bool  # by `convert evaluate`, else the score is the manifest's own agreement
    variants: tuple[VariantFacts, ...]
    seed: int | None = None  # of the intervals
    other_build: bool = False  # the accuracy was measured on files of another size

    @property
    def base(self) -> VariantFacts | None:
        """float32, where the bundle has it."""
        return self.variant(REFERENCE_VARIANT)

    def variant(self, name: str) -> VariantFacts | None:
        """One variant by its name, None where there is none."""
        return next((item for item in self.variants if item.name == name), None)


def read_accuracy(bundle: Bundle) -> Accuracy | None:
    """What was measured on annotated pictures, None where nothing was.

    Raises :class:`EvaluationError` for a file that cannot be read, or is of another model.
    """
    path = bundle.folder / ACCURACY
    again = "measure again with `python -m convert evaluate`"
    accuracy = read_side_file(path, lambda data: msgspec.json.decode(data, type=Accuracy), again)
    if accuracy is None:
        return None
    if (accuracy.model, accuracy.task) != (bundle.manifest.model, bundle.manifest.task):
        raise EvaluationError(
            f"{path} is about {accuracy.model} ({accuracy.task}), the bundle about "
            f"{bundle.manifest.model} ({bundle.manifest.task}): {again}"
        )
    return accuracy


def gather(manifest: Manifest, accuracy: Accuracy | None) -> Facts:
    """Join both; without a measurement the score is the agreement that the manifest holds."""
    if accuracy is None:
        return Facts(
            manifest,
            "agreement",
            manifest.provenance.checked_on,
            False,
            tuple(_checked(name, variant) for name, variant in manifest.variants.items()),
        )
    metric = _metric(accuracy)
    base = accuracy.variants.get(REFERENCE_VARIANT)
    joined = []
    for name, variant in manifest.variants.items():
        measured = accuracy.variants.get(name)
        joined.append(_joined(name, variant, measured, base, metric))
    other_build = any(
        name not in manifest.variants or manifest.variants[name].size_bytes != item.size_bytes
        for name, item in accuracy.variants.items()
    )
    return Facts(manifest, metric, accuracy.images, True, tuple(joined), accuracy.seed, other_build)


def _metric(accuracy: Accuracy) -> Metric:
    found = accuracy.variants.values()
    if any(item.map is not None for item in found):
        return "mAP"
    return "top-1" if any(item.top1 is not None for item in found) else "agreement"


def _unmeasured(name: str, variant: Variant) -> VariantFacts:
    return VariantFacts(
        name,
        variant.size_bytes,
        str(variant.recipe.get("precision", "")),
        variant.checks,
        half_arithmetic=variant.recipe.get("half_arithmetic") is True,
    )


def _checked(name: str, variant: Variant) -> VariantFacts:
    """Facts from the manifest alone: LiteRT's agreement, or that of any interpreter."""
    checks = variant.checks
    order = [checks[known] for known in ("litert", *checks) if known in checks]
    agreement = next((item.agreement for item in order if item.agreement is not None), None)
    return replace(_unmeasured(name, variant), score=agreement)


def _joined(
    name: str,
    variant: Variant,
    measured: VariantAccuracy | None,
    base: VariantAccuracy | None,
    metric: Metric,
) -> VariantFacts:
    facts = _unmeasured(name, variant)
    if measured is None:
        return facts
    score, interval = measured.headline
    reference = None if base is None else base.headline[0]
    drop = measured.drop
    if drop is None and score is not None and reference is not None:
        drop = reference - score
    compared = name != REFERENCE_VARIANT and metric != "agreement"
    return replace(
        facts,
        score=score,
        interval=interval,
        second=measured.map_50 if metric == "mAP" else measured.top5,
        drop=drop if compared else None,
        drop_interval=measured.drop_interval if compared else None,
        classes=measured.classes,
        measured_with=measured.interpreter,
    )


def load_facts(folder: Path) -> tuple[Bundle, Accuracy | None, Facts]:
    """Open the bundle at ``folder``, every hash verified, and gather what is known about it.

    Raises ``BundleError`` where there is no sound bundle, and as :func:`read_accuracy`.
    """
    bundle = Bundle(folder)
    bundle.verify()
    accuracy = read_accuracy(bundle)
    return bundle, accuracy, gather(bundle.manifest, accuracy)
