"""The dataset: labelled images as training takes them, paths and boxes, never pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from convert.errors import DatasetError
from convert.training.dataset_checks import (
    CheckedImage,
    Findings,
    check_classes,
    check_contradictions,
    check_image,
    check_splits,
)
from convert.training.dataset_files import DatasetFiles
from convert.training.image_probe import ImageProbe, probe_images
from convert.training.label_set import LabelledFile, LabelSet, Split
from convert.training.label_sources import read_labels
from convert.training.split import draw_split, group_near_duplicates

DRAWN_SHARE = 0.15  # of the images to train on, for each split that is missing

Task = Literal["detection", "classification"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImage:
    """One image and what it shows. A detector's image without boxes is a negative.

    ``boxes`` float32 (n, 4): x_min, y_min, x_max, y_max in pixels of the upright image, that is
    of what :func:`device.images.read_image` returns, within it and never empty; of a classifier's
    image one, which is the whole of it.
    ``class_ids`` int32 (n,): positions in :attr:`Dataset.classes`.
    ``ignored`` bool (n,): objects that need not be found, and whose detection is no mistake
    (COCO's crowds, Pascal VOC's difficult ones).
    ``width`` and ``height``: pixels of the upright image.
    """

    path: Path
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    ignored: NDArray[np.bool_]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images of each split. ``classes`` are the names, without a background class."""

    classes: tuple[str, ...]
    train: tuple[TrainingImage, ...]
    validation: tuple[TrainingImage, ...]
    test: tuple[TrainingImage, ...]
    task: Task


def read_dataset(folder: Path, seed: int, say: Callable[[str], None]) -> Dataset:
    """Read the dataset in ``folder``, whatever its format, and split it where it is not yet.

    Splits that folders, lists or tables name are taken as they are; what is missing of them is
    drawn from the training images by ``seed``, images that are nearly the same on one side.
    ``say`` hears what was taken for what, and each warning. Raises :class:`DatasetError` where
    training would be senseless.
    """
    files = DatasetFiles(folder)
    labels = read_labels(files, say)
    findings = Findings()
    for name in labels.missing:
        findings.add("labels without their image; left out", name)
    for why in labels.unusable:
        findings.add("labels that cannot be used; left out", why)
    for path in files.unreadable:
        findings.add("images of a kind that is not read here; left out", path.name)
    checked = _check(labels, findings)
    try:
        if not checked:
            raise DatasetError(
                f"{folder}: not one labelled image can be used: see the warnings above"
            )
        noun = "images" if labels.whole_images else "boxes"
        check_classes(checked, folder, noun)
        if labels.whole_images:
            check_contradictions(checked, findings)
        splits = _split(checked, seed, say, labels.whole_images)
        check_splits(splits, folder, findings, noun)
    finally:  # what was left out may be why it cannot go on
        findings.tell(say)
    classes = _classes(labels, checked)
    numbers = {name: number for number, name in enumerate(classes)}
    return Dataset(
        classes=classes,
        train=tuple(_training_image(image, numbers) for image in splits["train"]),
        validation=tuple(_training_image(image, numbers) for image in splits["validation"]),
        test=tuple(_training_image(image, numbers) for image in splits["test"]),
        task="classification" if labels.whole_images else "detection",
    )


def _check(labels: LabelSet, findings: Findings) -> list[CheckedImage]:
    """All images that can be read and whose labels fit, each once."""
    merged: dict[Path, LabelledFile] = {}
    for item in labels.files:
        if item.image not in merged:
            merged[item.image] = item
        elif merged[item.image].boxes != item.boxes:
            findings.add("images labelled twice; the first labels taken", item.source)
    checked = []
    probes = probe_images(merged)
    bar = tqdm(probes, total=len(merged), desc="looking at images", leave=False, disable=None)
    for item, probe in zip(merged.values(), bar, strict=True):
        if isinstance(probe, ImageProbe):
            image = check_image(item, probe, findings)
            if image is not None:
                checked.append(image)
        else:
            findings.add("images that cannot be read; left out", str(probe))
    return checked


def _split(
    checked: Sequence[CheckedImage], seed: int, say: Callable[[str], None], whole_images: bool
) -> dict[Split, list[CheckedImage]]:
    splits: dict[Split, list[CheckedImage]] = {"train": [], "validation": [], "test": []}
    for image in checked:
        splits[image.split or "train"].append(image)
    if not splits["train"]:  # all in a folder called val or test is no split
        splits = {"train": list(checked), "validation": [], "test": []}
    given = {name for name, images in splits.items() if images and name != "train"}
    drawn: list[Split] = []
    if not given:
        drawn = ["test", "validation"]
    elif "validation" not in given:
        drawn = ["validation"]
    for name in drawn:
        images = splits["train"]
        chosen = _drawn_by_class(images, seed) if whole_images else _drawn(images, seed)
        splits[name] = [images[number] for number in sorted(chosen)]
        splits["train"] = [image for number, image in enumerate(images) if number not in chosen]
    how = "as given" if not drawn else f"{' and '.join(sorted(drawn))} drawn by seed {seed}"
    counts = ", ".join(f"{len(images)} {name}" for name, images in splits.items())
    boxes = sum(len(image.boxes) for images in splits.values() for image in images)
    negatives = sum(not image.boxes for images in splits.values() for image in images)
    without = f", {negatives} images without any" if negatives else ""
    told = "" if whole_images else f"; {boxes:,} boxes{without}"
    say(f"images      {counts} ({how}){told}")
    return splits


def _drawn(images: Sequence[CheckedImage], seed: int) -> set[int]:
    """Positions of those of ``images`` that become another split."""
    groups = group_near_duplicates(
        [image.probe.path for image in images], [image.probe.hash for image in images]
    )
    share = DRAWN_SHARE if len(images) * DRAWN_SHARE >= 1 else 0.5
    return _without_last_of_a_class(images, draw_split(groups, share, seed))


def _drawn_by_class(images: Sequence[CheckedImage], seed: int) -> set[int]:
    """As :func:`_drawn`, of each class its share: of a rare one none might be drawn else."""
    classes: defaultdict[str, list[int]] = defaultdict(list)
    for number, image in enumerate(images):
        classes[image.boxes[0].label].append(number)
    return {
        numbers[place]
        for numbers in classes.values()
        for place in _drawn([images[number] for number in numbers], seed)
    }


def _without_last_of_a_class(images: Sequence[CheckedImage], drawn: set[int]) -> set[int]:
    """``drawn`` without the images of classes of which none would be left to train on."""
    left = {
        box.label
        for number, image in enumerate(images)
        if number not in drawn
        for box in image.boxes
    }
    return {number for number in drawn if all(box.label in left for box in images[number].boxes)}


def _classes(labels: LabelSet, checked: Sequence[CheckedImage]) -> tuple[str, ...]:
    """Names in the order of the format where it has one, else as sorted; only those in use."""
    used = {box.label for image in checked for box in image.boxes}
    ordered = [name for name in dict.fromkeys(labels.classes) if name in used]
    return tuple(ordered + sorted(used - set(ordered)))


def _training_image(image: CheckedImage, numbers: Mapping[str, int]) -> TrainingImage:
    return TrainingImage(
        path=image.probe.path,
        boxes=np.array([box.edges for box in image.boxes], np.float32).reshape(-1, 4),
        class_ids=np.array([numbers[box.label] for box in image.boxes], np.int32),
        ignored=np.array([box.ignored for box in image.boxes], bool),
        width=image.probe.width,
        height=image.probe.height,
    )
