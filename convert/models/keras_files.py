"""Models of the user's own: Keras files and SavedModel folders, opened, and classifiers of them.

A model tells its input size and its classes; whether its scores are probabilities is measured;
what its pixels must be normalised to is asked for, unless the model does it itself.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from device.errors import UsageError

if TYPE_CHECKING:
    from convert.models.freeze import Frozen

# Layers of Keras that bring bytes into range: a model with one takes 0..255.
_NORMALISING = ("Rescaling", "Normalization")
_COMPUTING = ("Conv1D", "Conv2D", "Dense")  # the ends of their names
_HALF = ("float16", "bfloat16")
LONGEST_REASON = 200  # characters of a reason that is not ours

Call = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class OpenedModel:
    """A model that was read: a function of one picture, and what is known of that picture."""

    path: Path
    frozen: Frozen
    size_hw: tuple[int, int]
    normalises: bool  # takes bytes, and brings them into range itself

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each output, by name; run once, for reshaping hides shapes from TensorFlow."""
        zeros = np.zeros((1, *self.size_hw, 3), np.float32)
        return {name: values.shape for name, values in self.frozen(zeros).items()}

    def answers_to_noise(self, name: str) -> NDArray[np.float32]:
        """The output ``name`` for noise in each of the usual ranges, (3, ...)."""
        random = np.random.default_rng(0)
        noise = [
            random.uniform(low, high, (1, *self.size_hw, 3)).astype(np.float32)
            for low, high in ((-1, 1), (0, 1), (0, 255))
        ]
        return np.concatenate([self.frozen(pixels)[name] for pixels in noise])

    def normalisation(self, mean: float | None, std: float | None) -> tuple[float, float]:
        """What the user said of its pixels, or what the model itself shows.

        Raises ``UsageError`` where neither says anything.
        """
        if (mean is None) != (std is None):
            raise UsageError("--mean and --std belong together: give both")
        if mean is not None and std is not None:
            if self.normalises and (mean, std) != (0.0, 1.0):
                raise UsageError(
                    f"{self.path} takes bytes, 0..255, and brings them into range by a layer of "
                    "its own (Rescaling or Normalization): leave --mean and --std out"
                )
            return mean, std
        if not self.normalises:
            raise UsageError(
                f"{self.path} does not say what its pixels must be: give --mean 127.5 --std 127.5 "
                "for -1..1, --mean 0 --std 255 for 0..1, or --mean 0 --std 1 for 0..255"
            )
        return 0.0, 1.0


def open_model(path: Path, size: int | None) -> OpenedModel:
    """Read a ``.keras`` or ``.h5`` file or a SavedModel folder.

    ``size`` is the input's side in pixels where the model takes any. Raises ``UsageError`` for
    what must be said with a flag, ``ConversionError`` for what cannot be read or takes no picture.
    """
    if not path.exists():
        raise ConversionError(f"{path}: no such model, and no model of that name in the zoo")
    from convert.models.freeze import Frozen

    call, sides, normalises = _open_saved_model(path) if path.is_dir() else _open_keras(path)
    height, width = (side or size for side in sides)
    if not height or not width:
        raise UsageError(f"{path} takes pictures of any size: choose one with --size")
    size_hw = (int(height), int(width))
    try:
        frozen = Frozen(call, size_hw)
    except ConversionError:
        raise
    except Exception as exc:  # TensorFlow, Keras and the model's own code raise whatever they like
        raise ConversionError(
            f"{path} takes no picture of {width}x{height} ({_line(exc)})"
        ) from exc
    return OpenedModel(path, frozen, size_hw, normalises)


def _line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]


Opened = tuple[Call, tuple[int | None, int | None], bool]


def _open_keras(path: Path) -> Opened:
    import keras

    class DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]  # Keras has no types
        """As Keras 2 writes it in every MobileNetV2: with ``groups``, of which it made no use."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("groups", None)
            super().__init__(*args, **kwargs)

    if path.suffix == ".keras" and not zipfile.is_zipfile(path):
        raise ConversionError(f"{path} cannot be read by Keras: damaged, or no .keras file at all")
    try:
        own = {"DepthwiseConv2D": DepthwiseConv2D}
        model = keras.models.load_model(path, custom_objects=own, compile=False)
    except Exception as exc:  # Keras raises whatever its many readers raise
        reason = _line(exc)
        if len(reason) > LONGEST_REASON:  # some of Keras's repeat a whole layer
            reason = reason[:LONGEST_REASON] + "..."
        raise ConversionError(
            f"{path} cannot be read by Keras {keras.__version__} ({reason}). A model of Keras "
            "2 with layers that Keras 3 lacks can be exported there as a SavedModel folder, which "
            "is read here"
        ) from exc
    shape = model.input_shape
    if isinstance(shape, (list, dict)) or len(shape) != 4 or shape[-1] != 3:
        raise ConversionError(f"{path} takes {shape}, expected one picture of 3 channels")

    def call(image: Any) -> Mapping[str, Any]:
        answer = model(image, training=False)
        if isinstance(answer, dict):
            return answer
        answers = answer if isinstance(answer, (list, tuple)) else [answer]
        names = getattr(model, "output_names", [])
        if len(set(names)) != len(answers):
            names = [f"output_{number}" for number in range(len(answers))]
        return dict(zip(names, answers, strict=True))

    layers = model._flatten_layers()
    _refuse_half_precision(path, layers)
    return call, shape[1:3], _begins_by_normalising(type(layer).__name__ for layer in layers)


def _begins_by_normalising(kinds: Iterable[str]) -> bool:
    """Whether a layer brings bytes into range before the first that computes with weights."""
    begin = itertools.takewhile(lambda kind: not kind.endswith(_COMPUTING), kinds)
    return any(kind in _NORMALISING for kind in begin)


def _refuse_half_precision(path: Path, layers: Iterable[Any]) -> None:
    """Raise ``ConversionError`` for a model that was saved to be trained in half precision."""
    policies = (getattr(layer, "dtype_policy", None) for layer in layers)
    computed = {str(getattr(policy, "compute_dtype", "")) for policy in policies}
    for dtype in sorted(computed & set(_HALF)):
        raise ConversionError(
            f"{path} computes in {dtype} (mixed precision), of which TFLite has no operators: "
            "build the same network without that policy, set_weights(model.get_weights()), and "
            "save that"
        )


def _open_saved_model(path: Path) -> Opened:
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
    except Exception as exc:  # TensorFlow raises whatever its many readers raise
        raise ConversionError(f"{path} is no SavedModel that can be served ({_line(exc)})") from exc
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise ConversionError(f"{path} takes {len(inputs)} inputs, expected one picture")
    ((name, spec),) = inputs.items()
    shape = spec.shape.as_list() if spec.shape.rank == 4 else []
    if not shape or shape[3] != 3 or spec.dtype != tf.float32:
        raise ConversionError(
            f"{path} takes {spec.dtype.name} {shape}, expected float32 pictures of 3 channels"
        )

    def call(image: Any) -> Mapping[str, Any]:
        _ = loaded  # holds the variables, which the signature does not
        answer: Mapping[str, Any] = signature(**{name: image})
        return answer

    return call, (shape[1], shape[2]), False
