"""Pictures that candidates are judged on, with what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.annotations.class_table import LabelledImage, read_class_labels
from convert.annotations.ground_truth import GroundTruthImage, Warn
from convert.annotations.read import AnnotatedSet, read_annotations
from convert.evaluation.evaluate import unannotated
from device.bundle.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures, and the metric that what they show allows: agreement, top-1 or mAP.

    ``truth`` is there for mAP alone; its pictures are those of ``listed``.
    """

    metric: str
    listed: Sequence[GroundTruthImage | LabelledImage]
    truth: AnnotatedSet | None = None


def read_pictures(bundle: Bundle, sets: Sequence[tuple[Path, Path | None]], warn: Warn) -> Pictures:
    """Each folder's pictures with its annotations, in what ``bundle`` knows.

    Raises ``EvaluationError`` for pictures or annotations that cannot be used.
    """
    annotated = [(folder, path) for folder, path in sets if path is not None]
    if not annotated:
        return Pictures("agreement", unannotated([folder for folder, _ in sets]))
    if bundle.manifest.task == "classification":
        return Pictures("top-1", read_class_labels(annotated, bundle.labels, warn))
    return boxed_pictures(read_annotations(annotated, bundle.labels, warn))


def boxed_pictures(truth: AnnotatedSet) -> Pictures:
    """Pictures whose boxes are known."""
    return Pictures("mAP", list(truth.images.values()), truth)
