"""Classifiers of the user's own, from a Keras file or a SavedModel folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import ConversionError
from convert.models.base import Network
from convert.models.keras_applications import ClassifierOptions, labels_from
from convert.models.keras_files import open_model
from convert.models.score_activation import ClassScores, last_operator, score_kind
from convert.output_capture import quiet
from device.bundle.decoder_rules import ClassifierRule
from device.bundle.defaults import CROP_FRACTION, SURE_THRESHOLD
from device.bundle.labels import parse_labels, read_label_file
from device.bundle.manifest import InputRule

if TYPE_CHECKING:
    from convert.models.freeze import Frozen

TOP = 5  # classes that are reported where a softmax shares one between them


def user_classifier(path: Path, options: ClassifierOptions) -> Network:
    """A classifier of the user's. Raises as :func:`open_model`, and for what is no classifier."""
    with quiet(options.debug):
        opened = open_model(path, options.size)
        shapes = opened.shapes()
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 2:
            raise ConversionError(
                f"{path} is no classifier: expected one output (1, classes), found "
                f"{list(shapes.values())}; for the raw heads of an SSD give --anchors"
            )
        (name,) = shapes
        kind = score_kind(last_operator(opened.frozen.outputs[name]), opened.answers_to_noise(name))
        score = "logit" if _end_at_logits(opened.frozen, name) else kind.score
    mean, std = opened.normalisation(options.mean, options.std)
    height, width = opened.size_hw
    background = _background(options, kind)
    binary = kind.score.startswith("binary")

    def export(saved_model: Path) -> int:
        opened.frozen.save(saved_model)
        return opened.frozen.parameters

    return Network(
        name=path.stem,
        title=path.name,
        licence="yours",
        source=str(path),
        labels=labels_from(options.labels, kind.classes, background),
        input=InputRule(
            width=width,
            height=height,
            mean=mean,
            std=std,
            resize="centre-crop",
            crop_fraction=CROP_FRACTION,
        ),
        input_name="image",
        decoder=ClassifierRule(
            score=score, background=background, top=kind.classes if kind.multi_label else TOP
        ),
        threshold=SURE_THRESHOLD
        if kind.multi_label or (binary and background is not None)
        else None,
        export=export,
    )


def _background(options: ClassifierOptions, kind: ClassScores) -> int | None:
    """The class that is never reported: of one unit and one name, the first, which has no name."""
    background = options.background_of(kind.classes)
    if background is None and kind.score.startswith("binary") and options.labels is not None:
        text = read_label_file(str(options.labels), lambda _: None)  # it is read again, aloud
        names = parse_labels(text, None, str(options.labels))
        return 0 if len(names) == 1 else None
    return background


def _end_at_logits(frozen: Frozen, name: str) -> bool:
    """Call the only output ``scores``, and leave out its softmax; True if there was one.

    Of probabilities 8 bits leave most classes nothing; the device computes them from logits.
    """
    from convert.models.freeze import before_softmax

    logits = before_softmax(frozen.outputs[name])
    frozen.outputs = {"scores": frozen.outputs[name] if logits is None else logits}
    return logits is not None
