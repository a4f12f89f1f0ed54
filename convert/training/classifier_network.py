"""The classifier that is trained: a MobileNetV2, and the weights that it starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import WeightsError
from convert.models.imagenet_backbone import Layers
from convert.models.mobilenet_classifier import HEAD, build_classifier
from convert.models.tfjs_weights import folded_convolution, read_graph_model
from convert.training.network import FROZEN, known_class, normalised
from convert.training.weights_file import read_weights
from device.records import Tensor


def trainable_classifier(classes: int, size: int) -> keras.Model:
    """A classifier of ``classes`` classes for batches of any size."""
    model = build_classifier(classes, size, None)
    for layer in model.layers:
        layer.trainable = layer.name.split(".")[0] not in FROZEN
    return model


def float_answers(
    model: keras.Model, images: Iterable[NDArray[np.uint8]]
) -> list[NDArray[np.float32]]:
    """Logits (classes,) of ``model``, in float, for each image, uint8 RGB of its size."""
    answer = tf.function(lambda image: model(normalised(image), training=False)["scores"])
    return [answer(tf.constant(image[np.newaxis])).numpy()[0] for image in images]


@dataclass(frozen=True, slots=True)
class ClassifierStart:
    """Weights that a classifier starts from.

    ``layers`` are kernels and biases by name; ``labels`` those of its head, which may be missing:
    classes that it does not know begin with every score zero.
    """

    title: str
    layers: Mapping[str, tuple[Tensor, Tensor]]
    labels: tuple[str, ...] = ()

    def load(self, model: keras.Model, classes: Sequence[str]) -> None:
        """Set every weight of ``model``, which scores ``classes``. Raises ``WeightsError``."""
        for layer in model.layers:
            if not layer.weights or layer.name == HEAD:
                continue
            try:
                layer.set_weights(list(self.layers[layer.name]))
            except (KeyError, ValueError) as exc:
                raise WeightsError(f"{self.title}: {layer.name} does not fit ({exc})") from exc
        head = model.get_layer(HEAD)
        kernel, bias = (np.zeros_like(item) for item in head.get_weights())
        if HEAD in self.layers:
            known_kernel, known_bias = self.layers[HEAD]
            for number, name in enumerate(classes):
                column = known_class(name, self.labels)
                if column is not None:
                    kernel[..., number] = known_kernel[..., column]
                    bias[number] = known_bias[column]
        head.set_weights([kernel, bias])


def detector_backbone(folder: Path) -> ClassifierStart:
    """The backbone of the detector published for COCO. Raises :class:`WeightsError`."""
    tensors = read_graph_model(folder)
    model = build_classifier(1, 96)
    names = [layer.name for layer in model.layers if layer.weights and layer.name != HEAD]
    try:
        layers: Layers = {
            name: folded_convolution(
                tensors, f"FeatureExtractor/MobilenetV2/{name.replace('.', '/')}"
            )
            for name in names
        }
    except KeyError as exc:
        raise WeightsError(f"the weights lack {exc.args[0]}") from exc
    return ClassifierStart("COCO, the detector's own backbone", layers)


def trained_classifier(path: Path) -> ClassifierStart:
    """A network that was trained here before, a classifier or a detector.

    ``path`` is its :mod:`.weights_file`. Raises :class:`WeightsError`.
    """
    weights = read_weights(path)
    return ClassifierStart(str(path.parent), weights.layers, weights.labels)
