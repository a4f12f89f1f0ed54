"""The parts of a report about training: curves, classes, confusion, and the worst images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import msgspec
import numpy as np

from convert.evaluation.mistakes import ImageMistakes, Mistake
from convert.evaluation.review import Review, read_review
from convert.report.advice import advise_images
from convert.report.comparison import LONGER_SIDE, encode
from convert.side_file import read_side_file
from convert.training.log import FILE
from convert.training.state import EpochRecord
from device.charts import svg
from device.charts.axis import round_axis
from device.charts.markup import escape, figure, picture, section, table
from device.drawing.annotate import draw
from device.errors import SourceError
from device.images import read_image
from device.records import Detection, Pixels

SHOWN = 12  # images in the strip
MOST_CLASSES = 24  # of a confusion matrix: with more nobody reads it, and the worst pairs are told
PAIRS = 12  # of classes that are told then


def read_curves(folder: Path) -> tuple[EpochRecord, ...]:
    """Each epoch of the training that made the bundle at ``folder``; none where none did.

    Raises ``EvaluationError`` for a log that cannot be used.
    """
    decoder = msgspec.json.Decoder(EpochRecord)
    found = read_side_file(folder / FILE, decoder.decode_lines, "train again, or remove it")
    return tuple(found or ())


def training(folder: Path) -> str:
    """All about the training of the bundle at ``folder``; empty where it was not trained here.

    Raises ``EvaluationError`` for files that cannot be used.
    """
    review, records = read_review(folder), read_curves(folder)
    if review is None:
        return ""
    body = [_summary(review)]
    if records:
        body.append(f'<div class="grid wide">{_curves(records)}</div>')
    body.append(_gains_table(review))
    body.append(_class_table(review))
    body.append(_confusion(review))
    help_wanted = "".join(f"<li>{escape(line)}</li>" for line in advise_images(review, records))
    body.append(f"<h3>What more images would help</h3><ul>{help_wanted}</ul>")
    body.append(_strip(review))
    return section("training", "Training", "".join(body), long=True)


def _summary(review: Review) -> str:
    said = (
        f"float32 on the {review.images} images of {escape(review.split)}: "
        f"{', '.join(f'{name} {value:.3f}' for name, value in review.scores.items())}."
    )
    if review.before is not None:
        change = review.score - review.before
        word = "worse" if change < 0 else "better"
        said += f" The network it started from has {review.before:.3f}: {abs(change):.3f} {word}."
    return f"<p>{said}</p>"


def _curves(records: Sequence[EpochRecord]) -> str:
    minutes = [record.elapsed_s / 60 for record in records]
    maps = curves(
        "map-curve",
        "Validation",
        minutes,
        {name: [record.scores[name] for record in records] for name in records[0].scores},
        "score on validation images",
    )
    losses = curves(
        "loss-curve",
        "Loss",
        minutes,
        {name: [record.losses[name] for record in records] for name in records[0].losses},
        "loss on training images",
    )
    return figure(maps, "More is better.") + figure(losses, "Less is better.")


def curves(
    name: str, title: str, minutes: Sequence[float], series: dict[str, list[float]], y_title: str
) -> str:
    """Lines over minutes, both axes from zero; each line's name stands at its end."""
    top, bottom, left, right = 30.0, 232.0, 48.0, 312.0
    x_axis = round_axis([0.0, *minutes], left, right)
    heights = [value for values in series.values() for value in values]
    y_axis = round_axis([0.0, *(max(value, 0.0) for value in heights), 1e-3], bottom, top)
    parts = list(svg.frame(x_axis, y_axis, "minutes", y_title))
    said = []
    taken: list[svg.Box] = []
    for number, (label, values) in enumerate(series.items()):
        kind = "whisker accent" if number == 0 else "whisker"
        points = [
            (x_axis(minute), y_axis(max(value, 0.0)))
            for minute, value in zip(minutes, values, strict=True)
        ]
        parts.extend(svg.line(*one, *other, kind) for one, other in pairwise(points))
        x, y = points[-1]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot"/>')
        end, baseline, box = svg.place_label(label, x, y, taken, (left, top - 8, svg.WIDTH, bottom))
        taken.append(box)
        parts.append(svg.text(box[2] if end else box[0], baseline, label, f"label {end}"))
        said.append(f"{label}: {values[0]:.3f} first, {values[-1]:.3f} last")
    return svg.image(name, title, f"{y_title}. {'; '.join(said)}", bottom + 40, parts)


def _gains_table(review: Review) -> str:
    """What a teacher and training with rounding gave; empty without."""
    rows = [
        [
            escape(item.name),
            f"{item.float32:.3f}",
            "" if item.int8 is None else f"{item.int8:.3f}",
            "" if item.int8 is None else f"{100 * (item.float32 - item.int8):.1f}",
        ]
        for item in review.gains
    ]
    if not rows:
        return ""
    heads = ["", "#float32", "#int8", "#Points lost by int8"]
    score = next(iter(review.scores))
    return table("gains", f"What it gave: {score} on the images of {review.split}", heads, rows)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _class_table(review: Review) -> str:
    rows = [
        [
            escape(item.name),
            f"{item.train_boxes:,}",
            f"{item.boxes:,}",
            f"{item.threshold:.2f}",
            _share(item.precision),
            _share(item.recall),
            *([] if review.task == "classification" else [_share(item.ap)]),
        ]
        for item in review.classes
    ]
    heads = ["Class", "#Trained on", "#Objects", "#Threshold", "#Precision", "#Recall", "#mAP"]
    if review.task == "classification":
        heads[2:] = ["#Images", *heads[3:-1]]
    caption = f"Each class at its threshold, on the images of {escape(review.split)}"
    return table("class-review", caption, heads, rows)


def confused_pairs(review: Review) -> list[tuple[int, str, str]]:
    """How often a class was taken for another, most frequent first."""
    names = [item.name for item in review.classes]
    pairs = [
        (review.confusion[one][other], names[one], names[other])
        for one in range(len(names))
        for other in range(len(names))
        if one != other and review.confusion[one][other]
    ]
    return sorted(pairs, key=lambda pair: -pair[0])


def _confusion(review: Review) -> str:
    names = [*(escape(item.name) for item in review.classes), "<em>nothing</em>"]
    whole = review.task == "classification"
    if len(names) - 1 > MOST_CLASSES:
        rows = [
            [escape(one), escape(other), str(count)]
            for count, one, other in confused_pairs(review)[:PAIRS]
        ]
        caption = "Classes that are taken for another, most frequent first"
        return table("confusion", caption, ["Class", "Taken for", "#Times"], rows) if rows else ""
    rows = [
        [name, *(str(count) if count else "" for count in row)]
        for name, row in zip(names, review.confusion, strict=True)
    ]
    caption = (
        "What each object (row) was taken for (column); the last column counts missed objects, "
        "the last row false alarms"
    )
    if whole:  # which always show something
        rows.pop()
        caption = (
            "What the images of a class (row) were taken for (column); the last column counts "
            "those of which no class reached its threshold"
        )
    return table(
        "confusion",
        caption,
        ["Image" if whole else "Object", *(f"#{name}" for name in names)],
        rows,
    )


def _strip(review: Review) -> str:
    figures = []
    for item in review.worst[:SHOWN]:
        path = Path(item.path)
        try:
            pixels = read_image(path)
        except SourceError:
            continue
        said = "; ".join(tell(mistake) for mistake in item.mistakes)
        shown = _small(pixels) if review.task == "classification" else _drawn(pixels, item)
        height, width = shown.shape[:2]
        image = picture(encode(shown), (width, height), f"{path.name}: {said}")
        figures.append(
            f"<figure>{image}<figcaption>"
            f"<strong>{escape(path.name)}</strong> {escape(said)}</figcaption></figure>"
        )
    if not figures:
        return ""
    return (
        "<h3>The images it gets most wrong</h3><p>Is the label right? A wrong or forgotten "
        "one shows here as a mistake of the network.</p>"
        f'<div class="grid sheet">{"".join(figures)}</div>'
    )


def tell(mistake: Mistake) -> str:
    """A mistake in a few words."""
    if mistake.kind == "missed":
        return f"missed: {mistake.truth}"
    if mistake.kind == "false alarm":
        return f"false alarm: {mistake.said} {mistake.score:.0%}"
    return f"{mistake.truth} taken for {mistake.said} {mistake.score:.0%}"


def _small(pixels: Pixels) -> Pixels:
    """A copy whose longer side is at most :data:`LONGER_SIDE`."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGER_SIDE / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    return np.ascontiguousarray(cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _drawn(pixels: Pixels, item: ImageMistakes) -> Pixels:
    """A small copy of ``pixels`` with a box for each mistake, in a colour for each kind."""
    kinds = ("missed", "false alarm", "wrong class")
    scale = min(1.0, LONGER_SIDE / max(pixels.shape[:2]))
    small = _small(pixels)
    detections = [
        Detection(
            kinds.index(mistake.kind),
            f"{mistake.kind}: {mistake.said or mistake.truth}",
            mistake.score,
            *(edge * scale for edge in mistake.box),
        )
        for mistake in item.mistakes
    ]
    draw(small, detections, "", ())
    return small
