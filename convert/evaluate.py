"""Accuracy of a bundle's variants on annotated pictures."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from convert.annotations import AnnotatedSet, read_annotations
from convert.errors import EvaluationError
from device.bundle import Bundle
from device.camera import read_picture
from device.engine import Engine
from device.errors import SourceError
from device.manifest import InterpreterName
from device.records import Frame

# COCO's figure integrates over all scores, so nearly everything the network says counts.
SCORE_THRESHOLD = 0.001

Warn = Callable[[str], None]


class VariantAccuracy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Mean average precision, 0..1: over IoU 0.50 to 0.95, and at 0.50."""

    interpreter: str
    size_bytes: int
    map: float
    map_50: float
    drop: float | None = None  # float32's map minus this one


class Accuracy(msgspec.Struct, frozen=True):
    """What ``convert evaluate --json`` writes."""

    model: str
    task: str
    images: int
    variants: dict[str, VariantAccuracy]


def detect_all(
    engine: Engine, annotated: AnnotatedSet, pictures: dict[int, Path], title: str
) -> list[dict[str, Any]]:
    """COCO result rows of one engine; labels that the annotations lack are left out."""
    rows = []
    for image_id, path in tqdm(pictures.items(), desc=title, leave=False, disable=None):
        for item in engine.run(Frame(read_picture(path), 0, 0.0)).detections:
            category = annotated.category_ids.get(item.label)
            if category is None:
                continue
            x, y = item.x_min, item.y_min
            rows.append(
                {
                    "image_id": image_id,
                    "category_id": category,
                    "bbox": [x, y, item.x_max - x, item.y_max - y],
                    "score": item.score,
                }
            )
    return rows


def mean_average_precision(
    annotated: AnnotatedSet, rows: list[dict[str, Any]]
) -> tuple[float, float]:
    """COCO's mAP over IoU 0.50:0.95 and at 0.50, 100 detections per picture, by pycocotools."""
    if not rows:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(annotated.truth, annotated.truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def evaluate_bundle(
    folder: Path,
    sets: Sequence[tuple[Path, Path]],
    variants: Sequence[str] | None,
    interpreter: InterpreterName | Literal["auto"],
    warn: Warn,
) -> Accuracy:
    """Measure ``variants`` (all, if None) of the bundle at ``folder`` on the pooled ``sets``.

    ``sets`` are pairs of (folder of pictures, COCO JSON). Pictures that cannot be read are
    reported and left out for all variants alike. Raises :class:`EvaluationError` and what
    opening the bundle raises.
    """
    bundle = Bundle(folder)
    names = list(variants or bundle.manifest.variants)
    annotated = read_annotations(sets, warn)
    if not set(annotated.category_ids) & set(bundle.labels):
        raise EvaluationError("the annotations and the bundle have not one label in common")
    pictures = {}
    for image_id, path in annotated.pictures.items():
        try:
            read_picture(path)
        except SourceError as exc:
            warn(f"left out: {exc}")
            continue
        pictures[image_id] = path
    measured: dict[str, VariantAccuracy] = {}
    for name in names:
        with Engine(bundle, name, interpreter=interpreter, threshold=SCORE_THRESHOLD) as engine:
            label = f"{engine.interpreter.name} {engine.interpreter.version}"
            rows = detect_all(engine, annotated, pictures, name)
        overall, at_50 = mean_average_precision(annotated, rows)
        base = measured.get("float32")
        measured[name] = VariantAccuracy(
            interpreter=label,
            size_bytes=bundle.variant(name).size_bytes,
            map=round(overall, 4),
            map_50=round(at_50, 4),
            drop=None if base is None else round(base.map - overall, 4),
        )
    return Accuracy(bundle.manifest.model, bundle.manifest.task, len(pictures), measured)


def format_accuracy(accuracy: Accuracy) -> str:
    """A row per variant."""
    lines = [
        f"{accuracy.model} on {accuracy.images} pictures",
        f"{'variant':<10}{'mAP':>8}{'mAP50':>8}{'drop':>8}  {'size':>9}  interpreter",
    ]
    for name, item in accuracy.variants.items():
        drop = "" if item.drop is None else f"{item.drop:.4f}"
        lines.append(
            f"{name:<10}{item.map:8.4f}{item.map_50:8.4f}{drop:>8}  "
            f"{item.size_bytes / 1e6:6.2f} MB  {item.interpreter}"
        )
    return "\n".join(lines)


def write_accuracy(accuracy: Accuracy, path: Path) -> None:
    """Write the figures as JSON. Raises :class:`EvaluationError` where that is not possible."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(accuracy), indent=1) + b"\n")
        partial.replace(path)
    except OSError as exc:
        raise EvaluationError(f"{path} cannot be written: {exc.strerror}") from exc
