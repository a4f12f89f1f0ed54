"""Classifiers: Keras Applications' MobileNetV2, and models of the user's own.

A user's model tells its input size and its classes; whether its scores are probabilities is
measured; what its pixels must be normalised to is asked for, unless the model does it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from convert.catalogue import catalogue
from convert.errors import ConversionError, WeightsError
from convert.network import Network
from convert.quiet import quiet
from device.camera import read_picture
from device.errors import UsageError
from device.labels import parse_labels
from device.manifest import ClassifierRule, InputRule, TensorSpec
from device.preprocess import Preprocessor

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # with published ImageNet weights
SIZES = (96, 128, 160, 192, 224)
CROP_FRACTION = 0.875  # 224 of 256 pixels: how ImageNet figures of this family are measured

# Layers of Keras that bring bytes into range: a model with one takes 0..255.
_NORMALISING = ("Rescaling", "Normalization")


@dataclass(frozen=True, slots=True)
class ClassifierOptions:
    """What the user said of a classifier; None where nothing was said."""

    weights: Path | Literal["imagenet", "random"] = "imagenet"
    alpha: float = 1.0
    size: int | None = None
    labels: Path | None = None
    mean: float | None = None
    std: float | None = None
    seed: int = 0
    debug: bool = False


def _labels_from(path: Path | None, count: int) -> tuple[str, ...]:
    if path is None:
        imagenet = catalogue().labels["imagenet"].read()
        if count == len(imagenet):
            return imagenet
        raise UsageError(f"this model has {count} classes: name them with --labels FILE")
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as exc:
        raise UsageError(f"--labels {path}: {exc.strerror}") from exc
    return parse_labels(text, count, str(path))


def _count_labels(path: Path | None) -> int:
    """How many classes a MobileNetV2 gets that is built to fit a label file."""
    if path is None:
        return len(catalogue().labels["imagenet"].read())
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as exc:
        raise UsageError(f"--labels {path}: {exc.strerror}") from exc
    return sum(1 for row in text.splitlines() if row.strip())


def _export_keras(model: Any, size_hw: tuple[int, int], saved_model: Path) -> int:
    """Export with a batch of one, an input called ``image`` and an output called ``scores``."""
    import keras

    inputs = keras.Input((*size_hw, 3), batch_size=1, name="image")
    wrapped = keras.Model(inputs, {"scores": model(inputs, training=False)})
    wrapped.export(str(saved_model), verbose=False)
    return int(model.count_params())


def mobilenet_v2_network(options: ClassifierOptions) -> Network:
    """Keras Applications' MobileNetV2 (Sandler et al. 2018), -1..1, centre crop.

    ``weights`` is ``imagenet`` (fetched and cached by Keras), ``random`` for trying things, or
    a file of weights for this ``alpha``, input size and number of labels. Raises ``UsageError``;
    ``export`` raises ``WeightsError`` where the weights cannot be had or do not fit.
    """
    size = options.size or 224
    if options.weights == "imagenet" and (options.alpha not in ALPHAS or size not in SIZES):
        raise UsageError(
            f"ImageNet weights are published for alpha {', '.join(map(str, ALPHAS))} and sizes "
            f"{', '.join(map(str, SIZES))}; give your own with --weights FILE, or --weights random"
        )
    count = _count_labels(options.labels)
    labels = _labels_from(options.labels, count)

    def export(saved_model: Path) -> int:
        import keras

        keras.utils.set_random_seed(options.seed)
        try:
            model = keras.applications.MobileNetV2(
                input_shape=(size, size, 3),
                alpha=options.alpha,
                weights="imagenet" if options.weights == "imagenet" else None,
                classes=count,
            )
            if isinstance(options.weights, Path):
                _load_weights(model, options.weights)
            elif options.weights == "random":
                _enliven(model, size)
        except WeightsError:
            raise
        except Exception as exc:
            if options.weights != "imagenet":
                raise
            reason = str(exc).strip().splitlines()[0]
            raise WeightsError(
                f"the ImageNet weights could not be had ({reason}). With network try again; "
                "without, give them with --weights FILE, or try things with --weights random"
            ) from exc
        return _export_keras(model, (size, size), saved_model)

    source = {
        "imagenet": "Keras Applications, ImageNet",
        "random": "random weights: its answers mean nothing",
    }.get(str(options.weights), str(options.weights))
    return Network(
        name="mobilenet_v2",
        title=f"MobileNetV2 alpha {options.alpha:g}, {size}x{size}",
        licence="Apache-2.0",
        source=source,
        labels=labels,
        input=InputRule(
            width=size,
            height=size,
            mean=127.5,
            std=127.5,
            resize="centre-crop",
            crop_fraction=CROP_FRACTION,
        ),
        input_name="image",
        decoder=ClassifierRule(),
        export=export,
        trained=options.weights != "random",
    )


def _enliven(model: Any, size: int) -> None:
    """Make a network of random weights answer differently to different pictures.

    Fresh batch norms let signals fade from layer to layer until all classes score the same.
    They are given the statistics of real photographs, and the last layer some confidence.
    """
    import keras

    photographs = catalogue().calibration["photographs"]
    rule = InputRule(width=size, height=size, mean=127.5, std=127.5)
    batch = np.empty((len(photographs.pictures), size, size, 3), np.float32)
    preprocess = Preprocessor(rule, TensorSpec(position=0, shape=(), dtype="float32"))
    for number, picture in enumerate(photographs.pictures):
        preprocess(read_picture(photographs.path(picture)), batch[number : number + 1])
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0  # the statistics become those of this one batch
    model(batch, training=True)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([10 * kernel, bias])


def _load_weights(model: Any, path: Path) -> None:
    if not path.is_file():
        raise WeightsError(f"--weights {path}: no such file")
    try:
        if path.suffix == ".keras":
            import keras

            model.set_weights(keras.models.load_model(path, compile=False).get_weights())
        else:
            model.load_weights(path)
    except (ValueError, OSError, KeyError, TypeError) as exc:
        reason = str(exc).strip().splitlines()[0]
        raise WeightsError(
            f"--weights {path} do not fit a MobileNetV2 of this --alpha, --size and number of "
            f"labels ({reason})"
        ) from exc


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
        labels=_labels_from(options.labels, count),
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
        return _export_keras(model, size_hw, saved_model)

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
