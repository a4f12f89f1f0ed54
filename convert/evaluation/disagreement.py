"""Disagreements: pictures on which variants differ most from float32, for a person to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from convert.evaluation.accuracy import Disagreement, SeenObject
from convert.evaluation.agreement import count_agreement
from convert.evaluation.predict import Predictions, as_classes, as_detections

SHOWN = 12  # pictures


class ImageFile(Protocol):
    """What is asked of a picture: where it is."""

    @property
    def folder(self) -> Path:
        """As the user gave it."""

    @property
    def file(self) -> str:
        """Relative to the folder."""

    @property
    def path(self) -> Path:
        """Both together."""


def find_disagreements(
    images: Sequence[ImageFile],
    found: Sequence[Mapping[str, Predictions]],
    labels: Sequence[str],
    threshold: float,
    reference: str,
) -> tuple[Disagreement, ...]:
    """At most twelve pictures, worst first; of equals the earlier.

    ``found`` has what each variant found on each of the ``pictures``. Detections of at least
    ``threshold`` count, and of a classifier its first choice. Nothing to show where the variant
    ``reference`` was not measured, or all agree with it.
    """
    counted = [(_differing(item, labels, threshold, reference), n) for n, item in enumerate(found)]
    worst = sorted((item for item in counted if item[0]), key=lambda item: (-item[0], item[1]))
    return tuple(
        Disagreement(
            folder=str(images[n].folder),
            file=images[n].file,
            differing=differing,
            variants={
                name: _findings(array, labels, threshold) for name, array in found[n].items()
            },
        )
        for differing, n in worst[:SHOWN]
    )


def _differing(
    found: Mapping[str, Predictions], labels: Sequence[str], threshold: float, reference: str
) -> int:
    if reference not in found:
        return 0
    truth = found[reference]
    if truth.shape[1] == 2:
        return sum(not same_first_choice(array, truth) for array in found.values())
    confident = as_detections(truth, labels, threshold)
    differing = 0
    for name, array in found.items():
        if name != reference:
            matched, total = count_agreement(as_detections(array, labels, threshold), confident)
            differing += total - matched
    return differing


def same_first_choice(one: Predictions, other: Predictions) -> bool:
    """Whether two variants of a classifier put the same class first."""
    return bool(np.array_equal(one[:1, 0], other[:1, 0]))


def _findings(
    array: Predictions, labels: Sequence[str], threshold: float
) -> tuple[SeenObject, ...]:
    if array.shape[1] == 2:
        return tuple(
            SeenObject(item.label, round(item.score, 4))
            for item in as_classes(array, labels)
            if item.score > 0
        )
    return tuple(
        SeenObject(
            item.label,
            round(item.score, 4),
            (
                round(item.x_min, 1),
                round(item.y_min, 1),
                round(item.x_max, 1),
                round(item.y_max, 1),
            ),
        )
        for item in as_detections(array, labels, threshold)
    )
