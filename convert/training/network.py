"""The network that is trained: an SSDLite that starts from what was published for COCO."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import WeightsError
from convert.models.architecture import PUBLISHED, Architecture, architecture_of
from convert.models.layer_weights import kernel_shapes
from convert.models.ssdlite import build_ssdlite
from convert.models.tfjs_weights import class_columns, load_ssdlite, read_graph_model
from convert.training.targets import Targets
from convert.training.weights_file import read_weights

# Up to stride 4 a network knows edges and colours, which are the same for everybody; to train it
# would take a third of all time.
FROZEN = ("Conv", "expanded_conv", "expanded_conv_1", "expanded_conv_2")
LABELLED = 64  # images that an unknown class is shown on to find what it starts from
MEAN = STD = 127.5


def trainable_ssdlite(
    classes: int, size: int, architecture: Architecture = PUBLISHED
) -> keras.Model:
    """An SSDLite of ``classes`` classes, none of them the background, for batches of any size."""
    model = build_ssdlite(classes, size, None, architecture)
    for layer in model.layers:
        layer.trainable = layer.name.split(".")[0] not in FROZEN
    return model


def model_architecture(model: keras.Model) -> Architecture:
    """How wide the layers of an SSDLite are."""
    kernels = {item.name: tuple(item.kernel.shape) for item in model.layers if item.weights}
    return architecture_of(kernels)


def normalised(pixels: Any) -> Any:
    """uint8 RGB as the network takes it, float32 -1..1."""
    return (tf.cast(pixels, tf.float32) - MEAN) / STD


def raw_heads(outputs: dict[str, Any], classes: int) -> tuple[Any, Any]:
    """All heads as one: encodings (batch, anchors, 4) and logits (batch, anchors, classes)."""
    levels = range(len(outputs) // 2)
    boxes = [_rows(outputs[f"boxes_{level}"], 4) for level in levels]
    scores = [_rows(outputs[f"scores_{level}"], classes) for level in levels]
    return tf.concat(boxes, axis=1), tf.concat(scores, axis=1)


def _rows(tensor: Any, width: int) -> Any:
    batch, height, columns, channels = tensor.shape
    count = height * columns * channels // width
    return tf.reshape(tensor, (tf.shape(tensor)[0] if batch is None else batch, count, width))


def known_class(name: str, published: Sequence[str]) -> int | None:
    """The published class of that name, spelt with other case, spaces or a plural; None if none."""

    def plain(text: str) -> str:
        return text.casefold().replace("_", " ").replace("-", " ").strip()

    names = [plain(item) for item in published]
    for spelling in (plain(name), plain(name).removesuffix("s"), plain(name).removesuffix("es")):
        if spelling in names and spelling != "???":
            return names.index(spelling)
    return None


def starting_classes(
    names: Sequence[str],
    published: Sequence[str],
    scores: NDArray[np.float32],
) -> list[int]:
    """Which published class each of the user's starts from, each from another while they last.

    The one of its name; else, the surest first, the one that answers best inside the user's
    boxes. ``scores`` float32 (names, published): mean logits on the positive anchors of each
    class. Letters on tiles that all started from the same class were told apart no better than
    by chance after 200 steps (AP50 0.25), and from different ones well (0.45).
    """
    chosen = [known_class(name, published) for name in names]
    usable = np.array([label not in ("background", "???") for label in published])
    answers = np.where(usable, scores, -np.inf)
    while None in chosen:
        taken = [column for column in chosen if column is not None]
        left = answers.copy()
        left[:, taken] = -np.inf
        if not np.isfinite(left).any():  # more classes than published ones
            left = answers
        waiting = [number for number, column in enumerate(chosen) if column is None]
        surest = max(waiting, key=lambda number: left[number].max())
        chosen[surest] = int(left[surest].argmax())
    return [column for column in chosen if column is not None]


def separate_classes(model: keras.Model, columns: Sequence[int], seed: int) -> None:
    """Move classes of ``model`` that start from the same column apart, at random.

    With equal weights two classes teach the layers below the same, whatever is shown. The noise
    has the standard deviation of the layer's weights; another column is a better start.
    """
    repeated = [number for number, column in enumerate(columns) if column in columns[:number]]
    if not repeated:
        return
    random = np.random.default_rng((seed, 2))
    for layer in model.layers:
        if not layer.name.endswith(".ClassPredictor"):
            continue
        kernel, bias = layer.get_weights()
        by_class = kernel.reshape(*kernel.shape[:-1], -1, len(columns))
        shape = (*by_class.shape[:-1], len(repeated))
        by_class[..., repeated] += random.normal(0, kernel.std(), shape)
        layer.set_weights([kernel, bias])


@dataclass(frozen=True, slots=True)
class Start:
    """Weights that training starts from: what each class is called, and how to load them.

    ``load`` sets every weight of an SSDLite, its class heads from the columns it is given, or from
    all of them for None.
    """

    labels: tuple[str, ...]
    load: Callable[[keras.Model, Sequence[int] | None], None]
    title: str
    architecture: Architecture = PUBLISHED


def published_start(folder: Path, labels: Sequence[str]) -> Start:
    """The network published for COCO. Raises :class:`WeightsError`."""
    tensors = read_graph_model(folder)
    return Start(
        tuple(labels), lambda model, columns: load_ssdlite(model, tensors, columns), "COCO"
    )


def trained_start(path: Path) -> Start:
    """A network that was trained here before, from its :mod:`.weights_file`.

    Raises :class:`WeightsError`.
    """
    weights = read_weights(path)

    def load(model: keras.Model, columns: Sequence[int] | None) -> None:
        for layer in model.layers:
            if not layer.weights:
                continue
            try:
                values = list(weights.layers[layer.name])
                if columns is not None and layer.name.endswith(".ClassPredictor"):
                    values = [class_columns(item, columns, len(weights.labels)) for item in values]
                layer.set_weights(values)
            except (KeyError, ValueError) as exc:
                raise WeightsError(f"{path}: {layer.name} does not fit ({exc})") from exc

    kernels = kernel_shapes(weights.layers)
    shapes = {name: shape for name, shape in kernels.items() if len(shape) == 4}
    return Start(weights.labels, load, str(path.parent), architecture_of(shapes))


def extended_start(trained: Start, published: Start) -> Start:
    """``trained`` with the classes of ``published`` too, for classes that it does not know.

    Their class heads are those published, on the layers that were trained further: far from
    perfect, and different from each other, which classes that start from one head are not.
    """
    count = len(trained.labels)
    labels = trained.labels + published.labels

    def load(model: keras.Model, columns: Sequence[int] | None) -> None:
        chosen = range(len(labels)) if columns is None else columns
        trained.load(model, [column if column < count else 0 for column in chosen])
        donor = build_ssdlite(len(chosen), model.input_shape[1], 1, published.architecture)
        published.load(donor, [max(column - count, 0) for column in chosen])
        added = [number for number, column in enumerate(chosen) if column >= count]
        for layer in model.layers:
            if not layer.name.endswith(".ClassPredictor"):
                continue
            pairs = zip(layer.get_weights(), donor.get_layer(layer.name).get_weights(), strict=True)
            made = []
            for own, other in pairs:
                if own.shape == other.shape:  # else it is narrower than the published network
                    ours, theirs = (
                        item.reshape(*item.shape[:-1], -1, len(chosen)) for item in (own, other)
                    )
                    ours[..., added] = theirs[..., added]
                made.append(own)
            layer.set_weights(made)

    return Start(labels, load, trained.title, trained.architecture)


def heads_of(
    model: keras.Model, classes: int, images: Iterable[NDArray[np.uint8]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Encodings (anchors, 4) and logits (anchors, classes) for each image, uint8 RGB of its size.

    Float32 both.
    """
    answer = tf.function(lambda image: raw_heads(model(normalised(image), training=False), classes))
    for image in images:
        boxes, logits = answer(tf.constant(image[np.newaxis]))
        yield boxes.numpy()[0], logits.numpy()[0]


def answers_inside(
    start: Start,
    pixels: Sequence[NDArray[np.uint8]],
    targets: Sequence[Targets],
    classes: int,
) -> NDArray[np.float32]:
    """Mean logit of each class of ``start`` on the positive anchors of each of the user's.

    ``pixels`` uint8 (size, size, 3), RGB, one for each of ``targets``. Returns float32
    (classes, published), zero for a class without an anchor.
    """
    published = len(start.labels)
    model = build_ssdlite(published, pixels[0].shape[0], 1, start.architecture)
    start.load(model, None)

    logits = tf.function(
        lambda image: raw_heads(model(normalised(image), training=False), published)[1][0]
    )
    sums = np.zeros((classes, published), np.float64)
    counts = np.zeros((classes, 1))
    for image, target in zip(pixels, targets, strict=True):
        rows = np.flatnonzero(target.classes >= 0)
        if len(rows):
            said = logits(tf.constant(image[np.newaxis])).numpy()[rows]
            np.add.at(sums, target.classes[rows], said)
            np.add.at(counts, target.classes[rows], 1)
    means: NDArray[np.float32] = (sums / np.maximum(counts, 1)).astype(np.float32)
    return means
