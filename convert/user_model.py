"""Classifiers of the user's own: Keras files and SavedModel folders.

A model tells its input size and its classes; whether its scores are probabilities is measured;
what its pixels must be normalised to is asked for, unless the model does it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from convert.classifier import CROP_FRACTION, ClassifierOptions, export_keras, labels_from
from convert.errors import ConversionError
from convert.network import Network
from convert.quiet import quiet
from device.errors import UsageError
from device.manifest import ClassifierRule, InputRule

# Layers of Keras that bring bytes into range: a model with one takes 0..255.
_NORMALISING = ("Rescaling", "Normalization")


def user_network(path: Path, options: ClassifierOptions) -> Network:
    """A classifier of the user's: ``.keras``, ``.h5``, or a SavedModel folder.

    Raises ``UsageError`` for what must be said with a flag, ``ConversionError`` for a file that
    cannot be read or is no classifier of pictures.
    """
    if not path.exists():
        raise ConversionError(f"{path}: no such model, and no model of that name in the zoo")
    with quiet(options.debug):
        if path.is_dir():
            score, size_hw, normalises, export = _open_saved_model(path)
        else:
            score, size_hw, normalises, export = _open_keras(path, options)
        probabilities = _sums_to_one(score, size_hw)
        count = int(score(np.zeros((1, *size_hw, 3), np.float32)).shape[-1])
    mean, std = options.mean, options.std
    if mean is None or std is None:
        if not normalises:
            raise UsageError(
                f"{path} does not say what its pixels must be: give --mean 127.5 --std 127.5 "
                "for -1..1, --mean 0 --std 255 for 0..1, or --mean 0 --std 1 for 0..255"
            )
        mean, std = 0.0, 1.0
    return Network(
        name=path.stem,
        title=path.name,
        licence="yours",
        source=str(path),
        labels=labels_from(options.labels, count),
        input=InputRule(
            width=size_hw[1],
            height=size_hw[0],
            mean=mean,
            std=std,
            resize="centre-crop",
            crop_fraction=CROP_FRACTION,
        ),
        input_name="image",
        decoder=ClassifierRule(score="probability" if probabilities else "logit"),
        export=export,
    )


Score = Callable[[Any], Any]
Opened = tuple[Score, tuple[int, int], bool, Callable[[Path], int]]


def _open_keras(path: Path, options: ClassifierOptions) -> Opened:
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as exc:  # Keras raises whatever its many readers raise
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise ConversionError(
            f"{path} cannot be read by Keras {keras.__version__} ({reason}). A model of Keras 2 "
            "with layers that Keras 3 lacks can be exported there as a SavedModel folder, which "
            "is read here"
        ) from exc
    shape = model.input_shape
    if isinstance(shape, (list, dict)) or len(shape) != 4 or shape[-1] != 3:
        raise ConversionError(f"{path} takes {shape}, expected one picture of 3 channels")
    height, width = (side or options.size for side in shape[1:3])
    if not height or not width:
        raise UsageError(f"{path} takes pictures of any size: choose one with --size")
    names = {type(layer).__name__ for layer in model._flatten_layers()}
    size_hw = (int(height), int(width))

    def export(saved_model: Path) -> int:
        return export_keras(model, size_hw, saved_model)

    return (
        lambda pixels: np.asarray(_one_output(path, model(pixels, training=False))),
        size_hw,
        not names.isdisjoint(_NORMALISING),
        export,
    )


def _open_saved_model(path: Path) -> Opened:
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
    except Exception as exc:  # TensorFlow raises whatever its many readers raise
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise ConversionError(f"{path} is no SavedModel that can be served ({reason})") from exc
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise ConversionError(f"{path} takes {len(inputs)} inputs, expected one picture")
    ((name, spec),) = inputs.items()
    shape = spec.shape.as_list() if spec.shape.rank == 4 else []
    if not shape or shape[3] != 3 or None in shape[1:] or spec.dtype != tf.float32:
        raise ConversionError(
            f"{path} takes {spec.dtype.name} {shape}, expected float32 pictures of a fixed size "
            "and 3 channels"
        )

    def score(pixels: Any) -> Any:
        return _one_output(path, signature(**{name: tf.constant(pixels)}))

    def export(saved_model: Path) -> int:
        module = tf.Module()
        module.loaded = loaded
        fixed = tf.TensorSpec((1, *shape[1:]), tf.float32, name="image")

        @tf.function(input_signature=[fixed])  # type: ignore[untyped-decorator]
        def serve(image: Any) -> dict[str, Any]:
            return {"scores": _one_output(path, signature(**{name: image}))}

        tf.saved_model.save(module, str(saved_model), signatures=serve)
        return sum(int(np.prod(item.shape)) for item in signature.variables)

    return score, (int(shape[1]), int(shape[2])), False, export


def _one_output(path: Path, outputs: Any) -> Any:
    values = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    if len(values) != 1 or isinstance(values[0], (list, tuple)) or len(values[0].shape) != 2:
        raise ConversionError(
            f"{path} is no classifier: expected one output (1, classes), found "
            f"{[tuple(getattr(value, 'shape', ())) for value in values]}"
        )
    return values[0]


def _sums_to_one(score: Score, size_hw: tuple[int, int]) -> bool:
    """Whether the scores are probabilities already, measured on noise of several ranges."""
    random = np.random.default_rng(0)
    for low, high in ((-1, 1), (0, 1), (0, 255)):
        scores = np.asarray(score(random.uniform(low, high, (1, *size_hw, 3)).astype(np.float32)))
        if scores.min() < 0 or abs(float(scores.sum()) - 1) > 1e-3:
            return False
    return True
