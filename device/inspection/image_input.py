"""The image input of a bare model: its size, its layout and its normalisation, and who said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from device.bundle.heads import Dtype, TensorSpec
from device.bundle.hints import Hints
from device.bundle.manifest import InputRule
from device.errors import ModelError, UsageError
from device.inspection.input_normalisation import normalisation
from device.inspection.tflite_facts import FileFacts, TensorFacts
from device.inspection.tflite_metadata import ModelMetadata
from device.inspection.understanding import Family
from device.inspection.yolo_layout import layout_of

DEFAULT_SIDE = 320  # pixels, where a model takes any size
DTYPES = frozenset({"float32", "float16", "uint8", "int8", "int16"})


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
            f"{_list_tensors(facts.inputs)}; its outputs: {_list_tensors(facts.outputs)}. "
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
    pixels = normalisation(spec, facts, metadata, hints, family)
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
        f"its input is {_shown(tensor)}, expected one picture of 3 channels, or of 1: "
        "(1, height, width, 3) or (1, 3, height, width)"
    )


def _list_tensors(tensors: Sequence[TensorFacts]) -> str:
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


def _family(facts: FileFacts, metadata: ModelMetadata, size_wh: tuple[int, int]) -> Family:
    """Whether the file, as far as it is read without running it, is a YOLO's."""
    if metadata.notes is not None:
        return "yolo"
    outputs = [tensor.shape for tensor in facts.outputs]
    return "yolo" if len(outputs) == 1 and layout_of(outputs[0], size_wh) is not None else ""
