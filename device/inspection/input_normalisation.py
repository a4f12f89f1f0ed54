"""How a bare model wants its pictures, and how that was told.

Sources in this order: what the user says, what the model's metadata says, what its quantisation
or its first operators show, and for a float input of which nothing is known the convention of
its family, -1..1, which is said aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from device.bundle.hints import Hints
from device.bundle.manifest import Dtype, InputRule, PerChannel, TensorSpec
from device.errors import ModelError, UsageError
from device.inspection.tflite_file import FileFacts, TensorFacts
from device.inspection.tflite_metadata import ModelMetadata
from device.inspection.understanding import Family
from device.inspection.yolo_layout import layout_of

DEFAULT_MEAN = DEFAULT_STD = 127.5  # -1..1: MobileNet's, and most TFLite models'
DEFAULT_SIDE = 320  # pixels, where a model takes any size
DTYPES = frozenset({"float32", "float16", "uint8", "int8", "int16"})

# ImageNet's mean and standard deviation, of bytes, as PyTorch's models are trained with.
IMAGENET_MEAN: PerChannel = (123.675, 116.28, 103.53)
IMAGENET_STD: PerChannel = (58.395, 57.12, 57.375)

_LEAST_GAIN = 1 / 32  # a model that begins by multiplying with less takes bytes
_WIDEST = 8.0  # values that a network computes with spread no farther: ImageNet's over 4.8
_OFF_CENTRE = 0.2  # of the spread, that the middle of normalised values is off zero at most


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The rule for a model's input, and what it is based on."""

    rule: InputRule
    size_why: str
    pixels_why: str
    guesses: tuple[str, ...]  # what nobody said: to be told aloud


def image_input(
    facts: FileFacts, metadata: ModelMetadata, hints: Hints, family: Family = ""
) -> ImageInput:
    """How pictures go into the model; ``family`` is what its outputs were understood to be of.

    Raises ``ModelError`` where its input is not one picture of three channels, ``UsageError``
    for flags that do not fit it.
    """
    if len(facts.inputs) != 1:
        raise ModelError(
            f"it takes {len(facts.inputs)} inputs, expected one picture. Its inputs: "
            f"{_listed(facts.inputs)}; its outputs: {_listed(facts.outputs)}. "
            "No flag can settle that"
        )
    tensor = facts.inputs[0]
    layout, axes, channels = _layout(tensor)
    size = _size(tensor, axes, metadata, hints)
    spec = TensorSpec(
        position=0,
        shape=(),
        dtype=cast("Dtype", tensor.dtype),
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )
    if not family:
        family = _family(facts, metadata, (size.width, size.height))
    pixels = _pixels(spec, facts, metadata, hints, family)
    if channels == 1 and (isinstance(pixels.mean, tuple) or isinstance(pixels.std, tuple)):
        raise UsageError("--mean and --std: this model takes grey pictures, one number each")
    rule = InputRule(
        width=size.width,
        height=size.height,
        mean=pixels.mean,
        std=pixels.std,
        layout="nchw" if layout == "nchw" else "nhwc",
        colour="rgb" if channels == 3 else "grey",
    )
    guesses = tuple(filter(None, (size.guess, pixels.guess)))
    return ImageInput(rule, size.why, pixels.why, guesses)


class _Layout(NamedTuple):
    layout: str
    axes: tuple[int, int]  # of height and width
    channels: int


def _layout(tensor: TensorFacts) -> _Layout:
    """How the input's axes are meant."""
    if tensor.dtype not in DTYPES:
        raise ModelError(f"its input is {tensor.dtype}, expected {', '.join(sorted(DTYPES))}")
    shape, free = tensor.shape, tensor.free
    if len(shape) == 4 and (free[0] or shape[0] == 1):
        for channels in (3, 1):
            for layout, at, axes in (("nhwc", 3, (1, 2)), ("nchw", 1, (2, 3))):
                wide = all(free[axis] or shape[axis] > 1 for axis in axes)
                if shape[at] == channels and not free[at] and (wide or channels == 3):
                    return _Layout(layout, axes, channels)
    raise ModelError(
        f"its input is {_shown(tensor)}, expected one picture of 3 channels, or of 1: (1, height, "
        "width, 3) or (1, 3, height, width)"
    )


def _listed(tensors: Sequence[TensorFacts]) -> str:
    return "; ".join(f"{item.name!r} {item.dtype} {_shown(item)}" for item in tensors)


def _shown(tensor: TensorFacts) -> str:
    sides = ["any" if free else str(n) for n, free in zip(tensor.shape, tensor.free, strict=True)]
    return f"({', '.join(sides)})"


@dataclass(frozen=True, slots=True)
class _Size:
    width: int
    height: int
    why: str
    guess: str = ""  # what is to be said aloud, where nobody said it


def _size(
    tensor: TensorFacts, axes: tuple[int, int], metadata: ModelMetadata, hints: Hints
) -> _Size:
    """How large the picture is to be. Raises as :func:`image_input`."""
    height, width = (tensor.shape[axis] for axis in axes)
    if not any(tensor.free[axis] for axis in axes):
        if min(width, height) < 1:
            raise ModelError(f"its input is {_shown(tensor)}, no picture at all")
        if hints.input_size not in (None, (width, height)):
            raise UsageError(f"--input-size: this model takes {width}x{height} and nothing else")
        return _Size(width, height, "the shape of its input")
    if hints.input_size is not None:
        return _Size(*hints.input_size, "--input-size; it takes any")
    if metadata.size_wh is not None and min(metadata.size_wh) > 1:
        return _Size(*metadata.size_wh, "its metadata; it takes any size")
    if min(width, height) > 1:
        return _Size(width, height, "declared in the file, which takes any size")
    side = DEFAULT_SIDE
    guess = f"GUESSED {side}x{side} pixels, for it takes any: choose with --input-size"
    return _Size(side, side, "nothing says it; it takes any", guess)


@dataclass(frozen=True, slots=True)
class _Pixels:
    mean: float | PerChannel
    std: float | PerChannel
    why: str
    guess: str = ""  # what is to be said aloud, where nobody said it


def _family(facts: FileFacts, metadata: ModelMetadata, size_wh: tuple[int, int]) -> Family:
    """Whether the file, as far as it is read without running it, is a YOLO's."""
    if metadata.notes is not None:
        return "yolo"
    outputs = [tensor.shape for tensor in facts.outputs]
    return "yolo" if len(outputs) == 1 and layout_of(outputs[0], size_wh) is not None else ""


def _pixels(
    spec: TensorSpec, facts: FileFacts, metadata: ModelMetadata, hints: Hints, family: Family
) -> _Pixels:
    """How bytes are normalised. Raises as :func:`image_input`."""
    if hints.mean or hints.std:
        if not (hints.mean and hints.std):
            raise UsageError("--mean and --std belong together: (byte - mean) / std")
        return _Pixels(_channels(hints.mean), _channels(hints.std), "--mean and --std")
    if family == "yolo":
        return _yolo_pixels(spec)
    told = (_channels(metadata.mean), _channels(metadata.std)) if _usable(metadata) else None
    if np.issubdtype(np.dtype(spec.dtype), np.integer):
        return _integer_pixels(spec, told)
    if told is not None:
        return _Pixels(*told, "its metadata")
    shown = _shown_by_operators(facts.input_affine) or _shown_by_range(*facts.input_range)
    if shown is not None:
        return shown
    guess = (
        "GUESSED that its pixels must be -1..1, for nothing says what: --mean 0 --std 255 makes "
        "them 0..1, --mean 0 --std 1 leaves them 0..255"
    )
    return _Pixels(DEFAULT_MEAN, DEFAULT_STD, "nothing says it; most are like this", guess)


def _yolo_pixels(spec: TensorSpec) -> _Pixels:
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
    return _Pixels(0.0, 255.0, why)


def _shown_by_operators(affine: Sequence[tuple[float, float]]) -> _Pixels | None:
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
        return _Pixels(0.0, 1.0, why)
    for std, most in ((255.0, 1.0), (1.0, 255.0)):
        ends = [(addend, factor * most + addend) for factor, addend in affine]
        low, high = min(map(min, ends)), max(map(max, ends))
        if 1 <= high - low <= _WIDEST and abs(low + high) / 2 <= _OFF_CENTRE * (high - low):
            taken = "0..1" if std > 1 else "bytes"
            why = f"its first operators bring {taken} to {low:.3g}..{high:.3g}: it takes {taken}"
            return _Pixels(0.0, std, why)
    return None


def _shown_by_range(low: float, high: float) -> _Pixels | None:
    """What a float input is quantised to at once shows what it must be; None where not."""
    step = (high - low) / 255
    why = f"it is quantised at once, to {low:.4g}..{high:.4g}"
    if not step:
        return None
    if abs(low) <= 2 * step and 0.75 <= high <= 1.05:
        return _Pixels(0.0, 255.0, f"{why}: it takes 0..1")
    if abs(low) <= 2 * step and 200 <= high <= 260:
        return _Pixels(0.0, 1.0, f"{why}: it takes bytes")
    if abs(low + high) <= 4 * step and 0.75 <= high <= 1.05:
        return _Pixels(DEFAULT_MEAN, DEFAULT_STD, f"{why}: it takes -1..1")
    if abs(low - _IMAGENET_RANGE[0]) <= 2 * step and abs(high - _IMAGENET_RANGE[1]) <= 2 * step:
        return _Pixels(IMAGENET_MEAN, IMAGENET_STD, f"{why}: ImageNet's mean and deviation")
    return None


def _integer_pixels(
    spec: TensorSpec, told: tuple[float | PerChannel, float | PerChannel] | None
) -> _Pixels:
    """How bytes become the integers of an input.

    Unless something else is known, the 256 bytes are spread over all the integers there are: for
    eight bits each byte is its own integer, which is how such models are made and used.
    """
    if not spec.scale:
        mean = 128.0 if spec.dtype == "int8" else 0.0
        return _Pixels(mean, 1.0, "it takes bytes, not quantised values")
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
            return _Pixels(*told, f"its metadata, and {quantisation}")
        else:
            quantisation += ", and its metadata"
    if abs(low - _IMAGENET_RANGE[0]) <= 2 * scale and abs(high - _IMAGENET_RANGE[1]) <= 2 * scale:
        return _Pixels(
            IMAGENET_MEAN, IMAGENET_STD, f"{quantisation}: ImageNet's mean and deviation"
        )
    as_stored = {"uint8": "bytes as they are", "int8": "bytes less 128"}
    stored = as_stored.get(spec.dtype, "bytes spread over it")
    return _Pixels(mean, std, f"{quantisation}: {stored}")


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
