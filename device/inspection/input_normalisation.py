"""Input normalisation of a bare model: what its pixels must be, and how that was told.

Sources in this order: what the user says, what the model's metadata says, what its quantisation
or its first operators show, and for a float input of which nothing is known the convention of
its family, -1..1, which is said aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.bundle.heads import TensorSpec
from device.bundle.hints import Hints
from device.bundle.manifest import InputRule, PerChannel
from device.errors import UsageError
from device.inspection.tflite_facts import FileFacts
from device.inspection.tflite_metadata import ModelMetadata
from device.inspection.understanding import Family

DEFAULT_MEAN = DEFAULT_STD = 127.5  # -1..1: MobileNet's, and most TFLite models'

# ImageNet's mean and standard deviation, of bytes, as PyTorch's models are trained with.
IMAGENET_MEAN: PerChannel = (123.675, 116.28, 103.53)
IMAGENET_STD: PerChannel = (58.395, 57.12, 57.375)

_LEAST_GAIN = 1 / 32  # a model that begins by multiplying with less takes bytes
_WIDEST = 8.0  # values that a network computes with spread no farther: ImageNet's over 4.8
_OFF_CENTRE = 0.2  # of the spread, that the middle of normalised values is off zero at most


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Value = ``(byte - mean) / std``; ``why`` it is believed."""

    mean: float | PerChannel
    std: float | PerChannel
    why: str
    guess: str = ""  # what is to be said aloud, where nobody said it


def normalisation(
    spec: TensorSpec, facts: FileFacts, metadata: ModelMetadata, hints: Hints, family: Family
) -> Normalisation:
    """How bytes are normalised; ``family`` is what the outputs were understood to be of.

    Raises ``UsageError`` for ``--mean`` without ``--std`` or the other way round.
    """
    if hints.mean or hints.std:
        if not (hints.mean and hints.std):
            raise UsageError("--mean and --std belong together: (byte - mean) / std")
        mean, std = _channels(hints.mean), _channels(hints.std)
        return Normalisation(mean, std, "--mean and --std", _contradiction(mean, std, spec, facts))
    if family == "yolo":
        return _yolo_pixels(spec)
    if family == "blaze":
        return Normalisation(DEFAULT_MEAN, DEFAULT_STD, "-1..1, as MediaPipe's are trained")
    if family == "blaze-palm":
        return Normalisation(0.0, 255.0, "0..1, as MediaPipe's of palms are trained")
    told = (_channels(metadata.mean), _channels(metadata.std)) if _usable(metadata) else None
    if np.issubdtype(np.dtype(spec.dtype), np.integer):
        return _integer_pixels(spec, told)
    if told is not None:
        return Normalisation(*told, "its metadata")
    shown = _shown_by_operators(facts.input_affine) or _shown_by_range(*facts.input_range)
    if shown is not None:
        return shown
    guess = (
        "GUESSED that its pixels must be -1..1, for nothing says what: --mean 0 --std 255 makes "
        "them 0..1, --mean 0 --std 1 leaves them 0..255"
    )
    return Normalisation(DEFAULT_MEAN, DEFAULT_STD, "nothing says it; most are like this", guess)


def _contradiction(
    mean: float | PerChannel, std: float | PerChannel, spec: TensorSpec, facts: FileFacts
) -> str:
    """What is to be said aloud where the graph shows another range than the user gave."""
    if np.issubdtype(np.dtype(spec.dtype), np.integer):
        return ""
    shown = _shown_by_operators(facts.input_affine)
    if shown is None or (shown.mean, shown.std) == (mean, std):
        return ""
    return f"--mean and --std are not what the model seems to take: {shown.why}; leave them out"


def _yolo_pixels(spec: TensorSpec) -> Normalisation:
    """0..1, as YOLO models are trained, whatever part of it the quantisation was made for.

    Exporters calibrate some with pixels of another range, such as ImageNet's: the model still
    means 0..1.
    """
    if np.issubdtype(np.dtype(spec.dtype), np.integer) and not spec.scale:
        return _integer_pixels(spec, None)
    why = "0..1, as YOLO models are trained"
    if spec.scale:
        limits = np.iinfo(spec.dtype)
        low, high = (spec.scale * (limit - spec.zero_point) for limit in (limits.min, limits.max))
        why += f"; its quantisation is of {low:.4g} to {high:.4g}"
    return Normalisation(0.0, 255.0, why)


def _shown_by_operators(affine: Sequence[tuple[float, float]]) -> Normalisation | None:
    """What the first operators make of a float input shows what it must be; None where not.

    They bring it to where networks compute, some few numbers around zero: of 0..1 and 0..255
    one at most is brought there.
    """
    if not affine:
        return None
    factor = max(abs(factor) for factor, _ in affine)
    if all(addend == 0 for _, addend in affine):
        if factor >= _LEAST_GAIN:
            return None
        why = f"it begins by multiplying with {factor:.4g}: it normalises bytes itself"
        return Normalisation(0.0, 1.0, why)
    for std, most in ((255.0, 1.0), (1.0, 255.0)):
        ends = [(addend, factor * most + addend) for factor, addend in affine]
        low, high = min(map(min, ends)), max(map(max, ends))
        if 1 <= high - low <= _WIDEST and abs(low + high) / 2 <= _OFF_CENTRE * (high - low):
            taken = "0..1" if std > 1 else "bytes"
            why = f"its first operators bring {taken} to {low:.3g}..{high:.3g}: it takes {taken}"
            return Normalisation(0.0, std, why)
    return None


def _shown_by_range(low: float, high: float) -> Normalisation | None:
    """What a float input is quantised to at once shows what it must be; None where not."""
    step = (high - low) / 255
    why = f"it is quantised at once, to {low:.4g}..{high:.4g}"
    if not step:
        return None
    if abs(low) <= 2 * step and 0.75 <= high <= 1.05:
        return Normalisation(0.0, 255.0, f"{why}: it takes 0..1")
    if abs(low) <= 2 * step and 200 <= high <= 260:
        return Normalisation(0.0, 1.0, f"{why}: it takes bytes")
    if abs(low + high) <= 4 * step and 0.75 <= high <= 1.05:
        return Normalisation(DEFAULT_MEAN, DEFAULT_STD, f"{why}: it takes -1..1")
    if abs(low - _IMAGENET_RANGE[0]) <= 2 * step and abs(high - _IMAGENET_RANGE[1]) <= 2 * step:
        return Normalisation(IMAGENET_MEAN, IMAGENET_STD, f"{why}: ImageNet's mean and deviation")
    return None


def _integer_pixels(
    spec: TensorSpec, told: tuple[float | PerChannel, float | PerChannel] | None
) -> Normalisation:
    """How bytes become the integers of an input.

    Unless something else is known, the 256 bytes are spread over all the integers there are: for
    eight bits each byte is its own integer, which is how such models are made and used.
    """
    if not spec.scale:
        mean = 128.0 if spec.dtype == "int8" else 0.0
        return Normalisation(mean, 1.0, "it takes bytes, not quantised values")
    scale, limits = spec.scale, np.iinfo(spec.dtype)
    low, high = (scale * (limit - spec.zero_point) for limit in (limits.min, limits.max))
    std = 255 / (high - low)
    mean = 0.0 - low * std  # never minus zero
    quantisation = f"its quantisation, {low:.4g} to {high:.4g}"
    if told is not None:
        # What a byte means is in the quantisation; the metadata can only say it per channel.
        ends = zip(_rule(*told).value_range, (low, high), strict=True)
        if not all(abs(said - end) <= 2 * scale for said, end in ends):
            quantisation += "; its metadata says another range, which is for float pixels"
        elif any(isinstance(value, tuple) for value in told):
            return Normalisation(*told, f"its metadata, and {quantisation}")
        else:
            quantisation += ", and its metadata"
    if abs(low - _IMAGENET_RANGE[0]) <= 2 * scale and abs(high - _IMAGENET_RANGE[1]) <= 2 * scale:
        return Normalisation(
            IMAGENET_MEAN, IMAGENET_STD, f"{quantisation}: ImageNet's mean and deviation"
        )
    as_stored = {"uint8": "bytes as they are", "int8": "bytes less 128"}
    stored = as_stored.get(spec.dtype, "bytes spread over it")
    return Normalisation(mean, std, f"{quantisation}: {stored}")


def _rule(mean: float | PerChannel, std: float | PerChannel) -> InputRule:
    return InputRule(width=1, height=1, mean=mean, std=std)


_IMAGENET_RANGE = _rule(IMAGENET_MEAN, IMAGENET_STD).value_range  # -2.118 to 2.640


def _usable(metadata: ModelMetadata) -> bool:
    values = (*metadata.mean, *metadata.std)
    return (
        len(metadata.mean) in (1, 3)
        and len(metadata.std) in (1, 3)
        and bool(np.isfinite(values).all())
        and min(metadata.std) > 0
    )


def _channels(values: tuple[float, ...]) -> float | PerChannel:
    """One number for all channels, or three that differ."""
    if len(set(values)) == 1:
        return values[0]
    red, green, blue = values
    return red, green, blue
