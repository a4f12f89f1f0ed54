"""The contact sheet of a dataset: labelled images to look at, class counts, sizes of boxes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from convert.report.comparison import encode
from convert.training.dataset import Dataset, TrainingImage
from device import __version__
from device.charts.markup import document, escape, picture, section, table, tiles
from device.drawing.annotate import draw
from device.errors import SinkError, SourceError
from device.images import read_image
from device.records import Detection, Pixels
from device.system.atomic_file import write_whole

SHOWN = 48  # images
LONGER_SIDE = 320  # pixels of a thumbnail
SIZES = (0.03, 0.1, 0.3, 1.0)  # of the image's side: ends of what is called tiny, small, ...
SIZE_NAMES = ("tiny (under 3 %)", "small (3 to 10 %)", "middling (10 to 30 %)", "large (over 30 %)")


def write_contact_sheet(dataset: Dataset, title: str, path: Path, seed: int) -> None:
    """Write the page to ``path``, whole; ``seed`` draws the images that it shows."""
    page = make_contact_sheet(dataset, title, seed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"{path.parent}: {exc.strerror}; choose another file") from exc
    write_whole(path, page.encode())


def make_contact_sheet(dataset: Dataset, title: str, seed: int) -> str:
    """The whole page as HTML, thumbnails inside it."""
    splits = {
        "train": dataset.train,
        "validation": dataset.validation,
        "test": dataset.test,
    }
    every = [image for images in splits.values() for image in images]
    boxes = sum(len(image.boxes) for image in every)
    whole = dataset.task == "classification"
    asked = "Is each image in the right folder?" if whole else "Are the boxes where they should be?"
    head = f"<h1>{escape(title)}</h1><p>{asked} A wrong label taught is a mistake learnt.</p>"
    shown = [
        (name, f"{len(images):,}", "images" if whole else _boxes(images))
        for name, images in splits.items()
    ]
    if not whole:
        shown.append(("without boxes", f"{sum(not len(i.boxes) for i in every):,}", "negatives"))
    counts = tiles(shown)
    parts = [counts, section("classes", "Classes", _class_table(dataset, splits))]
    if dataset.task == "detection" and boxes:
        parts.append(section("sizes", "Sizes of boxes", _size_table(every)))
    parts.append(section("images", "Images", _grid(dataset, every, seed), long=True))
    return document(title, head, "".join(parts), f"liteberry {__version__}")


def _boxes(images: Sequence[TrainingImage]) -> str:
    return f"{sum(len(image.boxes) for image in images):,} boxes"


def _class_table(dataset: Dataset, splits: dict[str, tuple[TrainingImage, ...]]) -> str:
    counted = {
        name: Counter(int(number) for image in images for number in image.class_ids)
        for name, images in splits.items()
    }
    rows = [
        [escape(label), *(f"{counted[name][number]:,}" for name in splits)]
        for number, label in enumerate(dataset.classes)
    ]
    heads = ["class", *(f"#{name}" for name in splits)]
    noun = "Images" if dataset.task == "classification" else "Boxes"
    return table("class-counts", f"{noun} of each class", heads, rows)


def _size_table(images: Sequence[TrainingImage]) -> str:
    shares = np.concatenate([_shares(image) for image in images])
    which = np.searchsorted(SIZES[:-1], shares, side="right")
    rows = [
        [name, f"{int((which == number).sum()):,}", f"{(which == number).mean():.0%}"]
        for number, name in enumerate(SIZE_NAMES)
    ]
    caption = "Side of a box as a share of its image's side (roots of areas)"
    return table("box-sizes", caption, ["size", "#boxes", "#share"], rows)


def _shares(image: TrainingImage) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    sides = (image.boxes[:, 2:] - image.boxes[:, :2]).astype(float)
    shares: np.ndarray[tuple[int], np.dtype[np.float64]] = np.sqrt(
        sides.prod(axis=1) / (image.width * image.height)
    )
    return shares


def _grid(dataset: Dataset, images: Sequence[TrainingImage], seed: int) -> str:
    chosen = random.Random(seed).sample(list(images), min(SHOWN, len(images)))
    figures = []
    for image in chosen:
        try:
            thumbnail = _thumbnail(dataset, image)
        except SourceError as exc:
            figures.append(f"<figure><figcaption>{escape(exc)}</figcaption></figure>")
            continue
        labels = sorted({dataset.classes[number] for number in image.class_ids})
        said, name = ", ".join(labels) or "nothing on it", image.path.name
        height, width = thumbnail.shape[:2]
        shown = picture(encode(thumbnail), (width, height), f"{name}: {said}")
        figures.append(
            f"<figure>{shown}<figcaption>{escape(name)}<br><small>{escape(said)}</small>"
            "</figcaption></figure>"
        )
    more = f"<p>{len(chosen)} of {len(images):,}, drawn by seed {seed}.</p>"
    return f'{more}<div class="grid sheet">{"".join(figures)}</div>'


def _thumbnail(dataset: Dataset, image: TrainingImage) -> Pixels:
    pixels = read_image(image.path)
    scale = LONGER_SIDE / max(image.width, image.height)
    size_wh = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small: Pixels = np.asarray(cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    if dataset.task == "detection":
        detections = [
            Detection(int(number), dataset.classes[number], 1.0, *box)
            for number, box in zip(image.class_ids, (image.boxes * scale).tolist(), strict=True)
        ]
        draw(small, detections, parts={"boxes", "labels"})  # labelled, so sure
    return small
