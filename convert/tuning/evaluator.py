"""The evaluator: accuracy of candidates that no bundle has yet, by one look at all pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.annotations.class_table import LabelledImage, read_class_labels
from convert.annotations.ground_truth import GroundTruthImage, Warn
from convert.annotations.read import read_annotations
from convert.errors import EvaluationError
from convert.evaluation.bootstrap import Interval, Weights, draw_weights, interval, resampled_ratio
from convert.evaluation.coco_map import mean_average_precision, resampled_precision
from convert.evaluation.evaluate import (
    SCORE_THRESHOLD,
    coco_rows,
    count_agreeing,
    hits,
    unannotated,
)
from convert.evaluation.predict import Looker, Panel, Predictions, Unreadable, predict
from convert.evaluation.variant_file import VariantFile, describe_like
from convert.reference import REFERENCE_INTERPRETER, REFERENCE_VARIANT
from device.bundle.bundle import Bundle

Worth = Callable[[Weights], NDArray[np.float64]]
"""Scores, 0..1, float64 (resamples,), on pictures that count as often as the weights say."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Judgement of a file: what it found on each picture, and its worth on any choice of them.

    Evaluated once: the score on a half, or on resampled pictures, is then only a sum.
    """

    found: Sequence[Predictions] = field(repr=False)
    worth: Worth = field(repr=False)


class Evaluator:
    """Pictures with what they show, and float32's answers, which candidates are held against.

    The unit of all drops is the point: a hundredth of mAP, of top-1, or of agreement with
    float32 where there are no annotations. Raises ``EvaluationError`` for pictures or annotations
    that cannot be used.
    """

    def __init__(
        self,
        bundle: Bundle,
        sets: Sequence[tuple[Path, Path | None]],
        scratch: Path,
        warn: Warn,
        looker: Looker | None = None,
    ) -> None:
        self._looker = looker
        self._bundle = bundle
        self._scratch = scratch
        self._labels = bundle.labels
        classifier = bundle.manifest.task == "classification"
        annotated = [(folder, path) for folder, path in sets if path is not None]
        self._truth = None
        listed: Sequence[GroundTruthImage | LabelledImage]
        if not annotated:
            self.metric = "agreement"
            listed = unannotated([folder for folder, _ in sets])
        elif classifier:
            self.metric = "top-1"
            listed = read_class_labels(annotated, self._labels, warn)
        else:
            self.metric = "mAP"
            self._truth = read_annotations(annotated, self._labels, warn)
            listed = list(self._truth.images.values())
        # Of an output error, with which the drop grows: see convert.tuning.drop_model.
        self.power = 0.5 if self.metric == "agreement" else 1.0
        self._threshold = 0.0 if classifier else SCORE_THRESHOLD
        self._rows = list(range(len(listed)))
        self._paths = [item.path for item in listed]
        reference = self._look_at_all(warn)
        readable = [row for row, found in enumerate(reference) if found is not None]
        if len(readable) < 4:
            raise EvaluationError(f"{len(readable)} pictures that can be read: too few to halve")
        self._rows = readable
        self._true_ids = [
            item.class_id for item in (listed[row] for row in readable) if hasattr(item, "class_id")
        ]
        self.paths = [self._paths[row] for row in readable]
        self.reference = [found for found in reference if found is not None]
        self._best = self._worth(self.reference)

    def look(self, models: Mapping[str, bytes]) -> dict[str, Judged]:
        """What each ``.tflite`` file finds on every picture; names are file names."""
        float32 = self._bundle.variant(REFERENCE_VARIANT)
        reference = self._bundle.file(float32.file)
        files = {}
        for name, model in models.items():
            path = self._scratch / f"{name}.tflite"
            path.write_bytes(model)
            files[name] = describe_like(path, reference, float32)
        paths = [self._paths[row] for row in self._rows]
        looked = predict(self._panel(tuple(files), files), paths, self._looker)
        return {
            name: self.judge([found[name] for found in looked if not isinstance(found, Unreadable)])
            for name in files
        }

    def joined(self, parts: Sequence[tuple[Judged, Sequence[int]]]) -> Judged:
        """Of each the pictures at the positions beside it; of float32 what is left."""
        found = list(self.reference)
        for looks, images in parts:
            for image in images:
                found[image] = looks.found[image]
        return self.judge(found)

    def judge(self, found: Sequence[Predictions]) -> Judged:
        """The judgement of what a file found on each of :attr:`paths`."""
        return Judged(found, self._worth(found))

    def _look_at_all(self, warn: Warn) -> list[Predictions | None]:
        """What float32 finds on each picture; None of those that cannot be read, with a warning."""
        found: list[Predictions | None] = []
        for item in predict(self._panel((REFERENCE_VARIANT,), {}), self._paths, self._looker):
            if isinstance(item, Unreadable):
                warn(f"left out: {item.reason}")
            found.append(None if isinstance(item, Unreadable) else item[REFERENCE_VARIANT])
        return found

    def _panel(self, names: tuple[str, ...], files: Mapping[str, VariantFile]) -> Panel:
        return Panel(self._bundle.folder, names, REFERENCE_INTERPRETER, self._threshold, files)

    @property
    def score(self) -> float:
        """float32's own on all pictures, in points."""
        return float(100 * self._best(np.ones((1, len(self.paths)), np.int32))[0])

    def drop(self, looks: Judged, images: Sequence[int] | None = None) -> float:
        """How many points ``looks`` are below float32 on ``images`` (positions; None: all).

        Raises ``EvaluationError`` where nothing to be found is on them.
        """
        chosen = self._chosen(images)
        drop = float(self._drops(looks, chosen, np.ones((1, len(chosen)), np.int32))[0])
        if np.isnan(drop):
            raise EvaluationError(f"not one box that counts is on {len(chosen)} of the pictures")
        return drop

    def spread(
        self, looks: Judged, seed: int, images: Sequence[int] | None = None
    ) -> tuple[Interval | None, float]:
        """The paired interval of 95 % of resamples of :meth:`drop`, and their deviation."""
        chosen = self._chosen(images)
        drops = self._drops(looks, chosen, draw_weights(len(chosen), seed))
        return interval(drops), float(np.nanstd(drops))

    def _chosen(self, images: Sequence[int] | None) -> list[int]:
        return list(range(len(self.paths))) if images is None else sorted(images)

    def _drops(self, looks: Judged, chosen: list[int], weights: Weights) -> NDArray[np.float64]:
        every = np.zeros((len(weights), len(self.paths)), np.int32)
        every[:, chosen] = weights
        drops: NDArray[np.float64] = 100 * (self._best(every) - looks.worth(every))
        return drops

    def _worth(self, found: Sequence[Predictions]) -> Worth:
        """Evaluate what a file found on all pictures."""
        if self.metric == "agreement":
            threshold = self._bundle.manifest.threshold
            pairs = [
                count_agreeing(said, best, self._labels, threshold)
                for said, best in zip(found, self.reference, strict=True)
            ]
            agreed, of = np.array(pairs, np.int64).T
            # Where nobody finds anything, all agree.
            return lambda weights: np.nan_to_num(resampled_ratio(agreed, of, weights), nan=1.0)
        if self._truth is None:
            right, each = hits(found, self._true_ids, 1), np.ones(len(found), np.int64)
            return lambda weights: resampled_ratio(right, each, weights)
        ids = [row + 1 for row in self._rows]
        rows = coco_rows(self._truth, ids, found, self._labels)
        matches = mean_average_precision(self._truth, rows, ids).matches
        return lambda weights: resampled_precision(matches, weights)
