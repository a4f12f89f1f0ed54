"""Classifiers of the user's own, from a Keras file or a SavedModel folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.errors import ConversionError
from convert.models.base import Network
from convert.models.keras_applications import ClassifierOptions, labels_from
from convert.models.keras_files import open_model
from convert.output_capture import quiet
from device.bundle.defaults import CROP_FRACTION
from device.bundle.manifest import ClassifierRule, InputRule

if TYPE_CHECKING:
    from convert.models.freeze import Frozen


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
        ((name, (_, count)),) = shapes.items()
        logits = _end_at_logits(opened.frozen, name)
        scores = opened.answers_to_noise("scores")
        probabilities = (
            not logits and scores.min() >= 0 and np.allclose(scores.sum(1), 1, atol=1e-3)
        )
    mean, std = opened.normalisation(options.mean, options.std)
    height, width = opened.size_hw

    def export(saved_model: Path) -> int:
        opened.frozen.save(saved_model)
        return opened.frozen.parameters

    return Network(
        name=path.stem,
        title=path.name,
        licence="yours",
        source=str(path),
        labels=labels_from(options.labels, count),
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
            score="probability" if probabilities else "logit",
            background=options.background_of(count),
        ),
        export=export,
    )


def _end_at_logits(frozen: Frozen, name: str) -> bool:
    """Call the only output ``scores``, and leave out its softmax; True if there was one.

    Of probabilities 8 bits leave most classes nothing; the device computes them from logits.
    """
    from convert.models.freeze import before_softmax

    logits = before_softmax(frozen.outputs[name])
    frozen.outputs = {"scores": frozen.outputs[name] if logits is None else logits}
    return logits is not None
