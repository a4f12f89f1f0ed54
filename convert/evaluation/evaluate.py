"""The evaluation of a bundle's variants on pictures, annotated or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.annotations.class_table import LabelledImage, read_class_labels
from convert.annotations.ground_truth import GroundTruthImage, Warn
from convert.annotations.read import AnnotatedSet, read_annotations
from convert.duplicate_files import same_files
from convert.errors import EvaluationError
from convert.evaluation.accuracy import Accuracy, AccuracyFigures, VariantAccuracy
from convert.evaluation.agreement import count_agreement
from convert.evaluation.bootstrap import Weights, draw_weights, interval, resampled_ratio, rounded
from convert.evaluation.coco_map import mean_average_precision, resampled_precision
from convert.evaluation.disagreement import ImageFile, find_disagreements, same_first_choice
from convert.evaluation.predict import (
    Looker,
    Panel,
    Predictions,
    Unreadable,
    as_detections,
    predict,
)
from convert.reference import REFERENCE_VARIANT
from device.bundle.bundle import Bundle
from device.errors import UsageError
from device.images import list_images
from device.inference.tiles import Grid
from device.runtimes import InterpreterName

# COCO's figure integrates over all scores, so nearly everything the network says counts.
SCORE_THRESHOLD = 0.001

Findings = Mapping[str, Sequence[Predictions]]
"""Of each variant, what it found on each picture."""


def evaluate_bundle(
    folder: Path,
    sets: Sequence[tuple[Path, Path | None]],
    variants: Sequence[str] | None,
    interpreter: InterpreterName | Literal["auto"],
    warn: Warn,
    seed: int = 0,
    tiles: Grid | None = None,
    looker: Looker | None = None,
) -> Accuracy:
    """Measure ``variants`` (all, if None) of the bundle at ``folder`` on the pooled ``sets``.

    ``sets`` are pairs of (folder of pictures, annotations); where none has annotations, what is
    measured is the agreement with float32. Pictures that cannot be read are reported and left
    out for all variants alike. ``seed`` draws the resamples behind the intervals; ``tiles`` are
    looked at besides the whole pictures; ``looker`` is as for :func:`predict`. Raises
    :class:`EvaluationError` and what opening the bundle raises.
    """
    bundle = Bundle(folder)
    labels, threshold = bundle.labels, bundle.manifest.threshold
    names = tuple(dict.fromkeys(variants or bundle.manifest.variants))
    classifier = bundle.manifest.task == "classification"
    annotated = [(folder, path) for folder, path in sets if path is not None]
    others = bundle.manifest.variants.keys() - {REFERENCE_VARIANT}
    if not annotated and len(others) in (0, len(bundle.manifest.variants)):
        raise UsageError(
            f"{folder} has nothing to compare {' and '.join(names)} with, as bundles of a finished "
            "file have not: give --annotations, what is to be found on the pictures"
        )
    looking = names if annotated or REFERENCE_VARIANT in names else (REFERENCE_VARIANT, *names)
    panel = Panel(folder, looking, interpreter, 0.0 if classifier else SCORE_THRESHOLD, tiles=tiles)
    interpreters = panel.interpreters()

    truth: AnnotatedSet | None = None
    listed: Sequence[GroundTruthImage | LabelledImage]
    if not annotated:
        listed = unannotated([folder for folder, _ in sets])
    elif classifier:
        listed = read_class_labels(annotated, labels, warn)
    else:
        truth = read_annotations(annotated, labels, warn)
        listed = list(truth.images.values())

    _warn_of_overlap(bundle, [item.path for item in listed], warn)
    kept, said = _look(panel, listed, looker, warn)
    images = [listed[position] for position in kept]
    findings = {name: [item[name] for item in said] for name in looking}
    weights = draw_weights(len(images), seed)
    if truth is not None:
        figures = precision_figures(truth, [n + 1 for n in kept], findings, labels, weights)
    elif annotated:
        true_ids = [item.class_id for item in images if isinstance(item, LabelledImage)]
        figures = class_figures(true_ids, findings, weights)
    else:
        figures = agreement_figures(findings, labels, threshold, weights)
    return Accuracy(
        model=bundle.manifest.model,
        task=bundle.manifest.task,
        images=len(images),
        seed=seed,
        resamples=len(weights),
        threshold=threshold,
        tiles=tiles,
        variants={
            name: VariantAccuracy(
                interpreter=interpreters[name],
                size_bytes=bundle.variant(name).size_bytes,
                **msgspec.structs.asdict(figures[name]),
            )
            for name in names
        },
        disagreements=find_disagreements(images, said, labels, threshold, REFERENCE_VARIANT),
    )


def _warn_of_overlap(bundle: Bundle, images: Sequence[Path], warn: Warn) -> None:
    """Tell of pictures that the bundle was calibrated on, where those are still here."""
    calibrated = [Path(name) for name in bundle.manifest.provenance.calibration]
    if both := same_files(images, calibrated):
        names = ", ".join(path.name for path in both[:3]) + ", ..." * (len(both) > 3)
        warn(
            f"warning: int8 was calibrated on {len(both)} of these {len(images)} pictures "
            f"({names}): its accuracy looks better than it is; keep the two apart"
        )


def unannotated(folders: Sequence[Path]) -> list[GroundTruthImage]:
    """All pictures below ``folders``."""
    images = []
    for folder in folders:
        if not folder.is_dir():
            raise EvaluationError(f"--images {folder}: no such folder")
        paths = list_images(folder)
        if not paths:
            raise EvaluationError(f"--images {folder}: no pictures in this folder")
        images += [GroundTruthImage(folder, str(path.relative_to(folder)), ()) for path in paths]
    return images


def _look(
    panel: Panel, images: Sequence[ImageFile], looker: Looker | None, warn: Warn
) -> tuple[list[int], list[dict[str, Predictions]]]:
    """Positions of the pictures that can be read, and what each variant found on each."""
    kept, said = [], []
    for position, item in enumerate(predict(panel, [image.path for image in images], looker)):
        if isinstance(item, Unreadable):
            warn(f"left out: {item.reason}")
        else:
            kept.append(position)
            said.append(item)
    if not kept:
        raise EvaluationError("not one of the pictures can be read")
    return kept, said


def precision_figures(
    truth: AnnotatedSet,
    image_ids: Sequence[int],
    findings: Findings,
    labels: Sequence[str],
    weights: Weights,
) -> dict[str, AccuracyFigures]:
    """COCO's mAP of each variant of a detector on the pictures ``image_ids`` of ``truth``.

    Raises :class:`EvaluationError` where these pictures show nothing to be found.
    """
    measured, samples = {}, {}
    for name, found in findings.items():
        rows = coco_rows(truth, image_ids, found, labels)
        measured[name] = mean_average_precision(truth, rows, image_ids)
        if not measured[name].classes:
            raise EvaluationError("not one box that counts is on the pictures that can be read")
        samples[name] = resampled_precision(measured[name].matches, weights)
    return {
        name: AccuracyFigures(
            map=rounded(item.map),
            map_50=rounded(item.map_50),
            map_interval=interval(samples[name]),
            recall_small=_share(item.recalls.get("small")),
            recall_medium=_share(item.recalls.get("medium")),
            classes={label: rounded(value) for label, value in item.classes.items()},
            **_drop({key: value.map for key, value in measured.items()}, samples, name),
        )
        for name, item in measured.items()
    }


def _share(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def coco_rows(
    truth: AnnotatedSet,
    image_ids: Sequence[int],
    found: Sequence[Predictions],
    labels: Sequence[str],
) -> list[dict[str, Any]]:
    """Detections as pycocotools wants them, without those of classes it has no boxes of."""
    # By label, as two class ids may share one.
    categories = {n: truth.category_ids.get(label) for n, label in enumerate(labels)}
    return [
        {
            "image_id": image_id,
            "category_id": category,
            "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
            "score": score,
        }
        for image_id, array in zip(image_ids, found, strict=True)
        for class_id, score, x_min, y_min, x_max, y_max in array.tolist()
        if (category := categories.get(int(class_id))) is not None
    ]


def class_figures(
    true_ids: Sequence[int], findings: Findings, weights: Weights
) -> dict[str, AccuracyFigures]:
    """Top-1 and top-5 of each variant of a classifier; ``true_ids`` has a class per picture."""
    right = {name: hits(found, true_ids, 1) for name, found in findings.items()}
    top1 = {name: float(item.mean()) for name, item in right.items()}
    every = np.ones(len(true_ids), np.int64)
    samples = {name: resampled_ratio(item, every, weights) for name, item in right.items()}
    return {
        name: AccuracyFigures(
            top1=rounded(top1[name]),
            top5=rounded(hits(found, true_ids, 5).mean()),
            top1_interval=interval(samples[name]),
            **_drop(top1, samples, name),
        )
        for name, found in findings.items()
    }


def hits(found: Sequence[Predictions], true_ids: Sequence[int], best: int) -> NDArray[np.int64]:
    """Per picture, 1 where the true class is among the ``best`` first, else 0.

    A class scored zero is no guess: an 8-bit softmax gives that to nearly all, in any order.
    """
    return np.array(
        [
            int(true in array[:best, 0][array[:best, 1] > 0])
            for array, true in zip(found, true_ids, strict=True)
        ],
        np.int64,
    )


def agreement_figures(
    findings: Findings, labels: Sequence[str], threshold: float, weights: Weights
) -> dict[str, AccuracyFigures]:
    """How far each variant agrees with float32, which ``findings`` must have.

    Of a detector F1 of the detections of at least ``threshold``, float32's taken as truth; of
    a classifier how often the first choice is the same.
    """
    figures = {}
    for name, found in findings.items():
        counts = np.array(
            [
                count_agreeing(array, truth, labels, threshold)
                for array, truth in zip(found, findings[REFERENCE_VARIANT], strict=True)
            ],
            np.int64,
        )
        matched, total = counts[:, 0], counts[:, 1]
        figures[name] = AccuracyFigures(
            # Where nobody finds anything, all agree.
            agreement=rounded(matched.sum() / total.sum()) if total.any() else 1.0,
            agreement_interval=interval(resampled_ratio(matched, total, weights)),
        )
    return figures


def count_agreeing(
    array: Predictions, truth: Predictions, labels: Sequence[str], threshold: float
) -> tuple[int, int]:
    """On one picture, what agrees with ``truth`` and what there is in all, as in an F1."""
    if truth.shape[1] == 2:
        return int(same_first_choice(array, truth)), 1
    return count_agreement(
        as_detections(array, labels, threshold), as_detections(truth, labels, threshold)
    )


def _drop(
    measured: Mapping[str, float], samples: Mapping[str, NDArray[np.float64]], name: str
) -> dict[str, Any]:
    """float32's figure minus this one's, with its paired interval; nothing of float32 itself."""
    if name == REFERENCE_VARIANT or REFERENCE_VARIANT not in measured:
        return {}
    return {
        "drop": rounded(measured[REFERENCE_VARIANT] - measured[name]),
        "drop_interval": interval(samples[REFERENCE_VARIANT] - samples[name]),
    }
