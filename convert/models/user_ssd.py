"""Detectors of the user's own: the raw heads of an SSD, with its anchors given.

The heads say neither which output holds boxes of which feature map, nor in which order and with
which factors boxes are encoded, nor what becomes of their scores: all that is asked for. What
the user says is checked against the shapes and against the scores for noise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.models.base import Network
from convert.models.class_subset import chosen_classes, keep_classes
from convert.models.keras_applications import ClassifierOptions, labels_from
from convert.models.keras_files import open_model
from convert.output_capture import quiet
from device.bundle.anchors import load_npy
from device.bundle.decoder_rules import SsdRule
from device.bundle.defaults import SSD_IOU_THRESHOLD
from device.bundle.manifest import InputRule
from device.errors import UsageError

if TYPE_CHECKING:
    from convert.models.freeze import Frozen

MANY = 16  # anchors; of fewer all may well be larger than they are far from the corner

Activation = Literal["sigmoid", "softmax", "none"]
Shapes = Mapping[str, tuple[int, ...]]


class BoxEncoding(NamedTuple):
    """The order of the four numbers of a box, and what each was multiplied with in training."""

    order: Literal["yxhw", "xywh"]
    factors: tuple[float, ...]  # in that order

    @classmethod
    def parse(cls, text: str) -> BoxEncoding:
        """Read ``yxhw:10,10,5,5``. Raises ``UsageError``."""
        order, _, numbers = text.partition(":")
        try:
            factors = tuple(float(number) for number in numbers.split(","))
        except ValueError:
            factors = ()
        sound = len(factors) == 4 and all(0 < factor < math.inf for factor in factors)
        if order not in ("yxhw", "xywh") or not sound:
            raise UsageError(
                f"--box-encoding {text}: expected yxhw or xywh and four numbers above 0, such as "
                "yxhw:10,10,5,5"
            )
        return cls("yxhw" if order == "yxhw" else "xywh", factors)

    @property
    def yxhw(self) -> tuple[float, float, float, float]:
        """The factors of t_y, t_x, t_h and t_w."""
        a, b, c, d = self.factors
        return (a, b, c, d) if self.order == "yxhw" else (b, a, d, c)


@dataclass(frozen=True, slots=True)
class SsdOptions:
    """What the user said of an SSD; None where nothing was said."""

    anchors: Path
    encoding: str | None = None
    activation: Activation | None = None
    heads: str | None = None
    classes: tuple[str, ...] | None = None  # that are kept; None: all


def user_ssd(path: Path, options: ClassifierOptions, ssd: SsdOptions) -> Network:
    """A detector of the user's that ends at the raw heads of an SSD.

    Raises ``UsageError`` for what must be said with a flag or contradicts the model, and what
    :func:`open_model` raises.
    """
    encoding, activation = _said(path, options, ssd)
    anchors = read_anchors(ssd.anchors)
    with quiet(options.debug):
        opened = open_model(path, options.size)
        shapes = opened.shapes()
        pairs = pair_heads(path, shapes, len(anchors), ssd.heads)
        classes = count_classes(path, shapes, pairs, len(anchors))
        for _, scores in pairs:
            _check_scores(path, scores, opened.answers_to_noise(scores), activation)
    background = options.background_of(classes)
    labels = labels_from(options.labels, classes, background)
    kept = None if ssd.classes is None else chosen_classes(ssd.classes, labels)
    mean, std = opened.normalisation(options.mean, options.std)
    height, width = opened.size_hw

    def export(saved_model: Path) -> int:
        _end_at_heads(opened.frozen, pairs, classes, encoding, activation)
        if kept is not None:
            scores = [f"scores_{number}" for number in range(len(pairs))]
            keep_classes(opened.frozen, scores, kept, classes)
        opened.frozen.save(saved_model)
        return opened.frozen.parameters

    return Network(
        name=path.stem,
        title=path.name,
        licence="yours",
        source=str(path),
        labels=labels if kept is None else tuple(labels[number] for number in kept),
        input=InputRule(width=width, height=height, mean=mean, std=std),
        input_name="image",
        decoder=SsdRule(
            anchors="anchors.npy",
            box_scales=encoding.yxhw,
            background=background if kept is None else _place(background, kept),
            iou_threshold=SSD_IOU_THRESHOLD,
            box_voting=True,
            score="logit" if activation == "sigmoid" else "probability",
        ),
        export=export,
        anchors=anchors,
    )


def _place(background: int | None, kept: Sequence[int]) -> int | None:
    """Where the background is among the classes ``kept``."""
    return kept.index(background) if background in kept else None


def _said(
    path: Path, options: ClassifierOptions, ssd: SsdOptions
) -> tuple[BoxEncoding, Activation]:
    missing = []
    if ssd.encoding is None:
        missing.append("--box-encoding, such as yxhw:10,10,5,5")
    if ssd.activation is None:
        missing.append("--scores sigmoid, softmax or none")
    if options.background is None:
        missing.append("--background, the number of that class, or none")
    if ssd.encoding is None or ssd.activation is None or options.background is None:
        raise UsageError(f"{path} does not say how it is decoded: give {'; '.join(missing)}")
    return BoxEncoding.parse(ssd.encoding), ssd.activation


def read_anchors(path: Path) -> NDArray[np.float32]:
    """Anchors from a ``.npy`` file: float32 (count, 4), centre_y, centre_x, height, width, 0..1.

    Raises ``UsageError`` for what cannot be read or cannot be meant.
    """
    try:
        found = load_npy(path)
    except OSError as exc:
        raise UsageError(f"--anchors {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise UsageError(f"--anchors {path}: not an array that numpy.save wrote ({exc})") from exc
    what = f"--anchors {path}: "
    if found.ndim != 2 or found.shape[1] != 4:
        raise UsageError(f"{what}expected (anchors, 4), found {found.shape}")
    if not np.issubdtype(found.dtype, np.number) or np.iscomplexobj(found) or not len(found):
        raise UsageError(f"{what}expected numbers, found {found.dtype} {found.shape}")
    if not np.isfinite(found).all():
        raise UsageError(f"{what}holds NaN or infinity")
    meant = "expected centre_y, centre_x, height, width as shares (0..1) of the input"
    if (bad := np.flatnonzero((found[:, 2:] <= 0).any(axis=1))).size:
        raise UsageError(f"{what}{meant}, but row {bad[0]} has no height or no width")
    if np.abs(found).max() > 4:
        raise UsageError(f"{what}{meant}, found {np.abs(found).max():g}: divide pixels by its side")
    if len(found) >= MANY and (found[:, 2:] > found[:, :2]).all():
        raise UsageError(f"{what}{meant}, found what seem to be corners (ymin, xmin, ymax, xmax)")
    anchors: NDArray[np.float32] = found.astype(np.float32)
    return anchors


Pairs = list[tuple[str, str]]


def pair_heads(path: Path, shapes: Shapes, anchors: int, said: str | None) -> Pairs:
    """Names of (boxes, scores) of each feature map, in the order of the anchors.

    From ``said``, ``boxes:scores,boxes:scores``; without it there must be two outputs, one of
    which can be the boxes. Raises ``UsageError``.
    """
    outputs = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if said is not None:
        pairs = [tuple(pair.split(":")) for pair in re.split(r"\s*,\s*", said.strip())]
        if any(len(pair) != 2 for pair in pairs):
            raise UsageError(f"--heads {said}: expected BOXES:SCORES,BOXES:SCORES")
        if unknown := [name for pair in pairs for name in pair if name not in shapes]:
            raise UsageError(f"--heads: {path} has no output {unknown[0]}; it has {outputs}")
        return [(boxes, scores) for boxes, scores in pairs]
    boxes = [name for name, shape in shapes.items() if np.prod(shape) == 4 * anchors]
    if len(shapes) != 2 or len(boxes) != 1:
        raise UsageError(
            f"{path} has the outputs {outputs}; for {anchors} anchors, say which are the boxes and "
            "scores of each feature map, in the anchors' order, with --heads BOXES:SCORES,..."
        )
    (scores,) = shapes.keys() - boxes
    return [(boxes[0], scores)]


def count_classes(path: Path, shapes: Shapes, pairs: Pairs, anchors: int) -> int:
    """How many scores each anchor has, the same in all heads. Raises ``UsageError``."""
    total, classes = 0, set()
    for boxes, scores in pairs:
        numbers, answers = int(np.prod(shapes[boxes])), int(np.prod(shapes[scores]))
        count = numbers // 4
        if numbers % 4 or not count or answers % count:
            raise UsageError(
                f"{path}: {boxes} {shapes[boxes]} and {scores} {shapes[scores]} are no boxes of 4 "
                "numbers with as many scores for each"
            )
        total += count
        classes.add(answers // count)
    if total != anchors:
        raise UsageError(f"{path} has boxes for {total} anchors, the file given has {anchors}")
    if len(classes) != 1:
        raise UsageError(f"{path} has heads of {sorted(classes)} classes, expected the same in all")
    return classes.pop()


def _check_scores(
    path: Path, name: str, scores: NDArray[np.float32], activation: Activation
) -> None:
    """Refuse an activation that the scores for noise contradict."""
    low, high = float(scores.min()), float(scores.max())
    shares = low >= 0 and high <= 1
    if activation == "none" and not shares:
        raise UsageError(
            f"--scores none: {path} answers {low:.3g} to {high:.3g} in {name}, which are no "
            "probabilities; choose sigmoid or softmax"
        )
    if activation != "none" and shares:
        raise UsageError(
            f"--scores {activation}: {path} answers {low:.3g} to {high:.3g} in {name}, which are "
            "probabilities already; say none"
        )


def _end_at_heads(
    frozen: Frozen, pairs: Pairs, classes: int, encoding: BoxEncoding, activation: Activation
) -> None:
    """Call the outputs ``boxes_0``, ``scores_0``, ... and make them what the device decodes."""
    import tensorflow as tf

    outputs: dict[str, Any] = {}
    with frozen.graph.as_default():
        for number, (boxes, scores) in enumerate(pairs):
            encodings, values = frozen.outputs[boxes], frozen.outputs[scores]
            if encoding.order == "xywh":
                encodings = tf.gather(tf.reshape(encodings, (1, -1, 4)), [1, 0, 3, 2], axis=-1)
            if activation == "softmax":
                values = tf.nn.softmax(tf.reshape(values, (1, -1, classes)))
            outputs |= {f"boxes_{number}": encodings, f"scores_{number}": values}
    frozen.outputs = outputs
