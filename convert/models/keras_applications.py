"""Keras Applications' MobileNetV2, with published, own or random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from convert.catalogue import catalogue
from convert.errors import WeightsError
from convert.models.base import Network
from device.bundle.decoder_rules import ClassifierRule
from device.bundle.defaults import CROP_FRACTION
from device.bundle.heads import TensorSpec
from device.bundle.labels import parse_labels, read_label_file
from device.bundle.manifest import InputRule
from device.errors import UsageError
from device.images import read_image
from device.inference.preprocess import Preprocessor
from device.system.console import say

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # with published ImageNet weights
SIZES = (96, 128, 160, 192, 224)


@dataclass(frozen=True, slots=True)
class ClassifierOptions:
    """What the user said of a classifier; None where nothing was said."""

    weights: Path | Literal["imagenet", "random"] = "imagenet"
    alpha: float = 1.0
    size: int | None = None
    labels: Path | None = None
    mean: float | None = None
    std: float | None = None
    background: int | Literal["none"] | None = None  # the class that is never reported
    seed: int = 0
    debug: bool = False

    def background_of(self, classes: int) -> int | None:
        """The class that is never reported. Raises ``UsageError`` where it is no class."""
        if self.background is None or self.background == "none":
            return None
        if self.background >= classes:
            raise UsageError(
                f"--background {self.background}: the model has classes 0 to {classes - 1}"
            )
        return self.background


def labels_from(path: Path | None, count: int, background: int | None = None) -> tuple[str, ...]:
    """The labels of ``count`` classes, from a file or, for 1000, ImageNet's.

    Raises ``UsageError`` where they are needed and not given, or do not fit.
    """
    if path is None:
        imagenet = catalogue().labels["imagenet"].read()
        if count == len(imagenet):
            return imagenet
        raise UsageError(f"this model has {count} classes: name them with --labels FILE")
    return parse_labels(read_label_file(str(path), say), count, str(path), background)


def _count_labels(path: Path | None) -> int:
    """How many classes a MobileNetV2 gets that is built to fit a label file."""
    if path is None:
        return len(catalogue().labels["imagenet"].read())
    text = read_label_file(str(path), lambda _: None)  # who reads the names tells of it
    return sum(1 for row in text.splitlines() if row.strip())


def mobilenet_v2_network(options: ClassifierOptions) -> Network:
    """Keras Applications' MobileNetV2 (Sandler et al. 2018), -1..1, centre crop.

    ``weights`` is ``imagenet`` (fetched and cached by Keras), ``random`` for trying things, or
    a file of weights for this ``alpha``, input size and number of labels. It ends at its logits:
    of a softmax, 8 bits leave most classes nothing. Raises ``UsageError``; ``export`` raises
    ``WeightsError`` where the weights cannot be had or do not fit.
    """
    size = options.size or 224
    if options.weights == "imagenet" and (options.alpha not in ALPHAS or size not in SIZES):
        raise UsageError(
            f"ImageNet weights are published for alpha {', '.join(map(str, ALPHAS))} and sizes "
            f"{', '.join(map(str, SIZES))}; give your own with --weights FILE, or --weights random"
        )
    count = _count_labels(options.labels)
    labels = labels_from(options.labels, count)

    def export(saved_model: Path) -> int:
        import keras

        from convert.models.freeze import Frozen

        keras.utils.set_random_seed(options.seed)
        try:
            model = keras.applications.MobileNetV2(
                input_shape=(size, size, 3),
                alpha=options.alpha,
                weights="imagenet" if options.weights == "imagenet" else None,
                classes=count,
                classifier_activation=None,
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
        frozen = Frozen(lambda image: {"scores": model(image, training=False)}, (size, size))
        frozen.save(saved_model)
        return frozen.parameters

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
        decoder=ClassifierRule(score="logit", background=options.background_of(count)),
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
    batch = np.empty((len(photographs.images), size, size, 3), np.float32)
    preprocess = Preprocessor(rule, TensorSpec(position=0, shape=(), dtype="float32"))
    for number, image in enumerate(photographs.images):
        preprocess(read_image(photographs.path(image)), batch[number : number + 1])
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
