"""Quantisation: from a saved model and a recipe to the bytes of a TFLite file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import cv2
import msgspec
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.quantization import flatbuffer
from convert.quantization.bias_correction import correct_biases
from convert.quantization.float16 import store_weights_in_half
from convert.quantization.layerwise import can_run
from convert.quantization.recipe import Recipe

MIDDLE = 0.6  # of a picture's sides, that is seen from nearer

Dataset = Callable[[], Iterator[dict[str, NDArray[np.float32]]]]


def quantize(
    saved_model: Path,
    recipe: Recipe,
    dataset: Dataset,
    float32: bytes | None = None,
    value_range: tuple[float, float] | None = None,
    *,
    logits: bool = False,
) -> bytes:
    """Convert ``saved_model`` as ``recipe`` says; ``dataset`` is only asked by int8.

    int8 is integer arithmetic throughout: a scale per channel for weights, per tensor for
    activations, uint8 pictures in (camera bytes as they are) and int8 out. It is made of
    ``float32``, the bytes of that variant, whose pixels lie in ``value_range``: see
    :func:`best_int8`; a network that this does not know goes through TensorFlow's converter, its
    biases corrected to the means of ``float32`` where they can be. float16 is made of ``float32``
    too, and marked so that processors with half-precision arithmetic may use it. Raises
    :class:`ConversionError` where TensorFlow's converter fails.
    """
    if recipe.precision == "float16":
        assert float32 is not None
        model = flatbuffer.read(float32)
        store_weights_in_half(model)
        if recipe.half_arithmetic:
            flatbuffer.allow_half_precision(model)
        return flatbuffer.write(model)
    if recipe.precision == "int8" and float32 is not None and value_range is not None:
        best = best_int8(float32, recipe, dataset, value_range, logits)
        if best is not None:
            return best
    if recipe.packed:
        raise ConversionError(
            "int8 of this network is made by TensorFlow's converter, which knows neither --int4 "
            "nor --weight-clusters: leave them out"
        )
    model = flatbuffer.read(_convert(saved_model, recipe, dataset))
    if recipe.bias_pictures and can_run(model):
        assert float32 is not None
        correct_biases(flatbuffer.read(float32), model, _layer_inputs(recipe, dataset))
    if recipe.integer_outputs and (floats := flatbuffer.float_tensors(model)):
        raise ConversionError(
            f"int8 holds {len(floats)} tensors that are no integers, the first being {floats[0]}: "
            "an operator of this model has no integer form; leave out --integer-outputs"
        )
    return flatbuffer.write(model)


def best_int8(
    float32: bytes,
    recipe: Recipe,
    dataset: Dataset,
    value_range: tuple[float, float],
    logits: bool = False,
) -> bytes | None:
    """int8 as true as costs nothing at run time; None for a network that is not known here.

    As ``recipe.int8`` says; the scores of an SSD get a range of their own where they are
    ``logits``. With mean ranges and corrected biases the published network has a third of the
    output error of TensorFlow's converter, at the same cost.
    """
    from convert.quantization.candidate_spec import BEST
    from convert.quantization.candidates import CandidateMaker

    if not can_run(flatbuffer.read(float32)):
        return None
    inputs = _layer_inputs(recipe, dataset)
    seen = (tensor for items in dataset() for tensor in items.values())
    nearer = (image[np.newaxis] for image in inputs[len(inputs) // 2 :])
    try:
        maker = CandidateMaker(
            float32,
            inputs,
            value_range,
            calibration=chain(seen, nearer),
            logits=logits,
        )
        spec = dataclasses.replace(
            BEST,
            **msgspec.structs.asdict(recipe.int8),
            weight_bits=recipe.weight_bits,
            weight_clusters=recipe.weight_clusters,
        )
        if recipe.packed:  # what coarser weights lose is worth the seconds
            spec = dataclasses.replace(spec, rounding="second-order")
        model = flatbuffer.read(maker.make(spec))
    except ConversionError:  # TensorFlow's converter may know more, or says why not
        return None
    if flatbuffer.float_tensors(model) or flatbuffer.has_full_biases(model):
        return None
    flatbuffer.take_bytes(model)
    return flatbuffer.write(model)


def _layer_inputs(recipe: Recipe, dataset: Dataset) -> NDArray[np.float32]:
    """The pictures that rounding and biases are worked out on: (pictures, height, width, 3)."""
    images = islice(dataset(), recipe.bias_pictures)
    inputs = np.concatenate([tensor for inputs in images for tensor in inputs.values()])
    # From nearer and in a mirror too: twice the pictures, at no cost in decoding.
    return np.concatenate((inputs, _from_nearer(inputs)[:, :, ::-1]))


def _from_nearer(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle of each picture, enlarged to the whole: (pictures, height, width, 3)."""
    height, width = inputs.shape[1:3]
    top, left = (round(side * (1 - MIDDLE) / 2) for side in (height, width))
    middles = inputs[:, top : height - top, left : width - left]
    return np.stack([cv2.resize(middle, (width, height)) for middle in middles])


def _convert(saved_model: Path, recipe: Recipe, dataset: Dataset) -> bytes:
    """What TensorFlow's converter makes of it."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    if recipe.precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.precision == "int8":
        converter.representative_dataset = dataset
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.int8
    try:
        data: bytes = converter.convert()
    except (ValueError, RuntimeError) as exc:  # ConverterError is an Exception of neither kind
        raise _failed(recipe, exc) from exc
    except Exception as exc:
        if type(exc).__name__ != "ConverterError":
            raise
        raise _failed(recipe, exc) from exc
    return data


def _failed(recipe: Recipe, exc: Exception) -> ConversionError:
    reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
    return ConversionError(
        f"TensorFlow could not convert to {recipe.precision}: {reason} (--debug shows all it said)"
    )
