"""Accuracy figures: what ``convert evaluate`` found, as a record, a table and a JSON file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from convert.evaluation.bootstrap import Interval
from convert.side_file import write_side_file

ACCURACY = "accuracy.json"  # beside the bundle's manifest


class AccuracyFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How good one variant is, 0..1, with the interval that 95 % of resamples fall into.

    A detector has COCO's mean average precision ``map`` (IoU 0.50 to 0.95), ``map_50`` (at
    0.50) and ``classes`` (``map`` per label), and, at IoU 0.50 and 100 detections a picture, which
    share it finds of the objects below 32x32 pixels (``recall_small``), and of those from there
    to 96x96 (``recall_medium``); a classifier ``top1`` and ``top5``. ``drop`` is float32's
    ``map`` or ``top1`` minus this one's, its interval from the same resamples for
    both. Without annotations there is only ``agreement`` with float32: F1 of the detections at
    the bundle's threshold, or how often a classifier's first choice is the same.
    """

    map: float | None = None
    map_50: float | None = None
    map_interval: Interval | None = None
    recall_small: float | None = None
    recall_medium: float | None = None
    top1: float | None = None
    top5: float | None = None
    top1_interval: Interval | None = None
    drop: float | None = None
    drop_interval: Interval | None = None
    agreement: float | None = None
    agreement_interval: Interval | None = None
    classes: dict[str, float] = {}

    @property
    def headline(self) -> tuple[float | None, Interval | None]:
        """The one figure of this task, and its interval."""
        if self.map is not None:
            return self.map, self.map_interval
        if self.top1 is not None:
            return self.top1, self.top1_interval
        return self.agreement, self.agreement_interval


class VariantAccuracy(AccuracyFigures, frozen=True, omit_defaults=True, kw_only=True):
    """The figures of one variant, and what they were measured with."""

    interpreter: str
    size_bytes: int


class SeenObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a variant said: a label, 0..1, and for a detector ``x_min, y_min, x_max, y_max``."""

    label: str
    score: float
    box: tuple[float, float, float, float] | None = None  # pixels of the picture


class Disagreement(msgspec.Struct, frozen=True):
    """A picture on which variants say something else than float32.

    ``file`` is relative to ``folder``, which is as the user gave it; ``differing`` counts the
    findings, of all variants and of float32 beside each, that the other of the two lacks.
    """

    folder: str
    file: str
    differing: int
    variants: dict[str, tuple[SeenObject, ...]]


class Accuracy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Accuracy of a bundle's variants: what ``convert evaluate --json`` writes."""

    model: str
    task: str
    images: int
    seed: int  # of the resamples
    resamples: int
    threshold: float  # of the disagreements, and of agreement
    variants: dict[str, VariantAccuracy]
    disagreements: tuple[Disagreement, ...]
    tiles: tuple[int, int] | None = None  # columns and rows looked at besides the whole pictures


def format_accuracy(accuracy: Accuracy) -> str:
    """A row per variant; intervals are of 95 %."""
    items = accuracy.variants.values()
    title, second = "agreement", ""
    if any(item.map is not None for item in items):
        title, second = "mAP", "mAP50"
    elif any(item.top1 is not None for item in items):
        title, second = "top-1", "top-5"
    head = f"{'variant':<10}{title:>9}  {'interval':<16}"
    head += f"{second:>8}{'drop':>9}  {'interval':<18}" if second else ""
    tiles = ", with tiles of {}x{}".format(*accuracy.tiles) if accuracy.tiles else ""
    lines = [
        f"{accuracy.model} on {accuracy.images} pictures{tiles}, intervals of 95 %",
        f"{head}{'size':>9}  interpreter",
    ]
    for name, item in accuracy.variants.items():
        figure, interval = item.headline
        row = f"{name:<10}{_cell(figure):>9}  {_range(interval):<16}"
        if second:
            other = item.map_50 if item.map_50 is not None else item.top5
            row += f"{_cell(other):>8}{_cell(item.drop):>9}  {_range(item.drop_interval):<18}"
        lines.append(f"{row}{item.size_bytes / 1e6:6.2f} MB  {item.interpreter}")
    for name, item in accuracy.variants.items():
        shares = [
            f"{share:.4f} of those {size}"
            for size, share in (
                ("below 32x32 pixels", item.recall_small),
                ("from there to 96x96", item.recall_medium),
            )
            if share is not None
        ]
        if shares:
            lines.append(f"{name} finds, at IoU 0.5, {' and '.join(shares)}")
    return "\n".join(lines)


def _cell(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.4f}"


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.4f}..{interval[1]:.4f}"


def write_accuracy(accuracy: Accuracy, path: Path) -> None:
    """Write the figures as JSON, whole or not at all.

    Raises ``SinkError`` where that is not possible.
    """
    write_side_file(path, accuracy)
