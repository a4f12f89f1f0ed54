"""Ranges of activations: what each tensor of a network reaches on calibration pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from ai_edge_quantizer.calibrator import CalibrationMode, Calibrator
from ai_edge_quantizer.recipe_manager import RecipeManager
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import Granularity, Ranges
from convert.quantization.edge_quantizer import hushed, quantise_all

# Of the logits of an SSD's scores, at least: 0.0003 to 0.9997 of probability. Calibration pictures
# that do not show a class, or nothing of a size, would have all its scores cut off.
LOGIT_RANGE = (-8.0, 8.0)
SCORES = "scores_"  # what the names of these outputs begin with

TensorRanges = dict[str, Any]
"""Minimum and maximum of each tensor by its name, as ai-edge-quantizer has them."""


def activation_ranges(
    float32: bytes,
    images: Iterable[NDArray[np.float32]],
    value_range: tuple[float, float],
    granularity: Granularity = "channel",
    *,
    logits: bool = False,
    debug: bool = False,
) -> Mapping[Ranges, TensorRanges]:
    """Each tensor's range on each image, joined in the two ways that a candidate knows.

    ``images`` are float32 (1, height, width, 3), normalised to ``value_range``, which is the
    input's range whatever they show. ``granularity`` is the weights'. ``logits``: the outputs
    ``scores_0``, ... hold logits, of at least :data:`LOGIT_RANGE`.

    Raises :class:`ConversionError` for a network that cannot be run.
    """
    model = flatbuffer.read(float32)
    (signature,) = model.signatureDefs
    joined = _joined(_ranges_of_each(float32, signature, images, granularity, debug))
    graph = model.subgraphs[0]
    source = graph.tensors[graph.inputs[0]].name.decode()
    scores = [
        name
        for output in signature.outputs
        if logits and output.name.decode().startswith(SCORES)
        for name in _reshaped_from(model, output.tensorIndex)
    ]
    for ranges in joined.values():  # a step for each byte of a picture, whatever these showed
        ends = ranges[source]
        for end, value in zip(("min", "max"), value_range, strict=True):
            ends[end] = np.full_like(ends[end], value)
        for tensor in scores:
            least, most = LOGIT_RANGE
            ends = ranges[tensor]
            ends["min"] = np.minimum(ends["min"], least).astype(ends["min"].dtype)
            ends["max"] = np.maximum(ends["max"], most).astype(ends["max"].dtype)
    return joined


def _ranges_of_each(
    float32: bytes,
    signature: Any,
    images: Iterable[NDArray[np.float32]],
    granularity: Granularity,
    debug: bool,
) -> list[TensorRanges]:
    recipe = RecipeManager()
    quantise_all(recipe, granularity)
    key, name = signature.signatureKey.decode(), signature.inputs[0].name.decode()
    found = []
    try:
        with hushed(debug):
            # One for all images, which keeps extremes alone and no tensors: in a quarter of the
            # time of Quantizer.calibrate for each, with the same ranges.
            calibrator = Calibrator(float32, mode=CalibrationMode.CALIBRATION_PROFILER_BASED)
            for image in images:
                calibrator.reset_model_qsvs()
                calibrator.calibrate({key: [{name: image}]}, recipe)
                found.append(calibrator.get_model_qsvs())
    except (ValueError, RuntimeError) as exc:
        raise ConversionError(f"the float32 network cannot be calibrated: {exc}") from exc
    return found


def _joined(found: list[TensorRanges]) -> dict[Ranges, TensorRanges]:
    joined: dict[Ranges, TensorRanges] = {"mean": {}, "widest": {}}
    for tensor in found[0]:
        lows, highs = (
            np.stack([np.asarray(item[tensor][end], np.float32) for item in found])
            for end in ("min", "max")
        )
        joined["mean"][tensor] = {"min": lows.mean(axis=0), "max": highs.mean(axis=0)}
        joined["widest"][tensor] = {"min": lows.min(axis=0), "max": highs.max(axis=0)}
    return joined


def _reshaped_from(model: Any, index: int) -> Iterator[str]:
    """A tensor, and those that are reshaped into it: one range must do for all of them."""
    makers = {item.outputs[0]: (name, item) for name, item in flatbuffer.operators(model)}
    while True:
        yield model.subgraphs[0].tensors[index].name.decode()
        name, operator = makers[index]
        if name != "RESHAPE":
            return
        index = operator.inputs[0]
