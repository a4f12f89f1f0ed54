"""COCO's mean average precision by pycocotools, and again on resampled pictures."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from convert.annotations.read import AnnotatedSet
from convert.evaluation.bootstrap import Weights

SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2)}  # COCO's: area in pixels, from and below
BLOCK = 1 << 21  # numbers worked on at a time: what fits a processor's cache


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """What became of the detections of one class, best score first over all pictures.

    ``positives`` int64 (pictures,): objects to be found on each. ``pictures`` intp
    (detections,): position of each detection's picture. ``right`` and ``ignored`` bool
    (IoU thresholds, detections): it found an object; it found one that does not count.
    """

    positives: NDArray[np.int64]
    images: NDArray[np.intp]
    right: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precisions, 0..1: over classes and IoU 0.50 to 0.95, at IoU 0.50, per label.

    ``recalls``: of the objects of each of :data:`SIZES` that there are, the share that is found.
    """

    map: float
    map_50: float
    classes: dict[str, float]
    matches: tuple[ClassMatches, ...]
    recalls: dict[str, float] = field(default_factory=dict)


def mean_average_precision(
    annotated: AnnotatedSet, rows: list[dict[str, Any]], image_ids: Sequence[int]
) -> Precision:
    """Measure ``rows``, COCO's records of detections, on the pictures ``image_ids``.

    As COCO does: at most 100 detections per picture, objects of all sizes. Where there is
    nothing to be found, ``classes`` is empty and the figures are -1.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        found = annotated.truth.loadRes(rows) if rows else _nothing(annotated.truth)
        evaluation = COCOeval(annotated.truth, found, "bbox")
        evaluation.params.imgIds = sorted(image_ids)
        # The same figures per size of object would cost four times the time and are not asked.
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
        evaluation.accumulate()
    # (IoU thresholds, recalls, classes), -1 for classes of which there is nothing to be found.
    precision: NDArray[np.float64] = evaluation.eval["precision"][:, :, :, 0, -1]
    labels = {number: label for label, number in annotated.category_ids.items()}
    per_class = {
        labels[number]: _mean(precision[:, :, k])
        for k, number in enumerate(evaluation.params.catIds)
    }
    return Precision(
        map=_mean(precision),
        map_50=_mean(precision[0]),
        classes={label: value for label, value in per_class.items() if value >= 0},
        matches=_matches(evaluation),
        recalls=_recalls_by_size(evaluation, annotated.truth),
    )


def resampled_precision(matches: Sequence[ClassMatches], weights: Weights) -> NDArray[np.float64]:
    """COCO's mAP on resampled pictures, float64 (resamples,).

    ``weights`` tell how often each picture counts, in the order of the ids evaluated. A picture
    drawn twice is two pictures with the same boxes: what is right on it stays right, so the
    matches are those of one evaluation and only the sums are new. NaN where nothing to be found
    was drawn. Weights of one give pycocotools' own figure.
    """
    total = np.zeros(len(weights))
    classes = np.zeros(len(weights), np.int64)
    for item in matches:
        rows = max(1, BLOCK // max(1, len(item.images)))
        for start in range(0, len(weights), rows):
            part = slice(start, start + rows)
            positives = weights[part] @ item.positives
            present = positives > 0
            total[part] += np.where(present, _average_precision(item, weights[part], positives), 0)
            classes[part] += present
    return np.where(classes > 0, total / np.maximum(classes, 1), np.nan)


def _average_precision(
    item: ClassMatches, weights: Weights, positives: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One class's precision, averaged over IoU thresholds and recalls, per resample.

    Precision at a recall is the best precision at that recall or a higher one (COCOeval's
    ``accumulate``). It only rises where something right is found, so it is only computed
    there; each such place then counts for all of COCO's 101 recalls that it is first to reach.
    """
    recalls = _recalls()
    last_right = np.flatnonzero(item.right.any(axis=0))[-1:]
    if not len(last_right):
        return np.zeros(len(weights))
    seen = _running(weights, item.images[: last_right[0] + 1])
    found = np.maximum(positives, 1)[:, np.newaxis]
    total = np.zeros(len(weights))
    for right, ignored in zip(item.right, item.ignored, strict=True):
        places = np.flatnonzero(right)
        if not len(places):
            continue
        true = _running(weights, item.images[places])
        shown = seen[:, places]
        if (left_out := np.flatnonzero(ignored[: places[-1]])).size:
            before = np.searchsorted(left_out, places)
            sums = np.pad(_running(weights, item.images[left_out]), ((0, 0), (1, 0)))
            shown = shown - sums[:, before]
        precision = true / (shown + np.spacing(1))  # as COCOeval does, against 0 / 0
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(recalls, true / found, side="right")
        total += (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1)
    return total / (len(item.right) * len(recalls))


def _running(weights: Weights, images: NDArray[np.intp]) -> NDArray[np.int32]:
    """Running sum over detections of the weights of their ``pictures``."""
    return np.cumsum(weights[:, images], axis=1, dtype=np.int32)


def _recalls() -> NDArray[np.float64]:
    recalls: NDArray[np.float64] = COCOeval(iouType="bbox").params.recThrs
    return recalls


def _recalls_by_size(evaluation: COCOeval, truth: COCO) -> dict[str, float]:
    """The share of objects of each size that a detection found at IoU 0.50, all classes pooled."""
    pieces = [piece for piece in evaluation.evalImgs if piece is not None and len(piece["gtIds"])]
    if not pieces:
        return {}
    counted = np.concatenate([np.asarray(piece["gtIgnore"]) == 0 for piece in pieces])
    found = np.concatenate([piece["gtMatches"][0] > 0 for piece in pieces])
    ids = (number for piece in pieces for number in piece["gtIds"])
    areas = np.array([truth.anns[number]["area"] for number in ids])
    recalls = {}
    for name, (least, limit) in SIZES.items():
        wanted = counted & (areas >= least) & (areas < limit)
        if wanted.any():
            recalls[name] = float(found[wanted].mean())
    return recalls


def _mean(precision: NDArray[np.float64]) -> float:
    known = precision[precision > -1]
    return float(np.mean(known)) if len(known) else -1.0


def _nothing(truth: COCO) -> COCO:
    """Results without a detection, which ``loadRes`` does not take."""
    found = COCO()
    found.dataset = {**truth.dataset, "annotations": []}
    found.createIndex()
    return found


def _matches(evaluation: COCOeval) -> tuple[ClassMatches, ...]:
    """What ``evaluation`` matched, class by class, in the order in which it accumulates."""
    image_ids = evaluation.params.imgIds
    thresholds = len(evaluation.params.iouThrs)
    found = []
    for k in range(len(evaluation.params.catIds)):
        positives = np.zeros(len(image_ids), np.int64)
        scores, images = [np.empty(0)], [np.empty(0, np.intp)]
        matched, ignored = ([np.empty((thresholds, 0), np.bool_)] for _ in range(2))
        pieces = evaluation.evalImgs[k * len(image_ids) : (k + 1) * len(image_ids)]
        for position, piece in enumerate(pieces):
            if piece is None:
                continue
            positives[position] = np.count_nonzero(piece["gtIgnore"] == 0)
            scores.append(np.asarray(piece["dtScores"]))
            images.append(np.full(len(piece["dtScores"]), position, np.intp))
            matched.append(piece["dtMatches"] > 0)
            ignored.append(piece["dtIgnore"].astype(np.bool_))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        overlooked = np.concatenate(ignored, axis=1)[:, order]
        right = np.concatenate(matched, axis=1)[:, order] & ~overlooked
        if positives.any():
            found.append(ClassMatches(positives, np.concatenate(images)[order], right, overlooked))
    return tuple(found)
