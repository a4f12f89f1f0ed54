"""The user's pictures for slimming: to train on, to choose by, to judge on; labelled or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from convert.annotations.ground_truth import GroundTruthImage
from convert.annotations.read import read_annotations
from convert.errors import DatasetError
from convert.training.dataset import Dataset, TrainingImage, read_dataset
from convert.training.image_probe import ImageProbe
from convert.training.split import draw_split, group_near_duplicates
from convert.training.unlabelled import readable_images
from device.images import list_images

JUDGED_SHARE = 0.3  # of pictures that are in no split yet
VALIDATION_SHARE = 0.1
LEAST_TRAINED, LEAST_JUDGED = 16, 8

Say = Callable[[str], None]


def labelled_folder(folder: Path, labels: Sequence[str], seed: int, say: Say) -> Dataset:
    """A dataset as ``convert train`` reads it, its classes in the order of ``labels``.

    Raises :class:`DatasetError` where it has other classes.
    """
    found = read_dataset(folder, seed, say)
    if found.task != "detection":
        raise DatasetError(f"{folder}: a folder per class, without boxes to train on")
    _refuse_others(found.classes, labels, str(folder))
    places = np.array([labels.index(name) for name in found.classes], np.int32)

    def moved(images: Sequence[TrainingImage]) -> tuple[TrainingImage, ...]:
        return tuple(
            dataclasses.replace(image, class_ids=places[image.class_ids]) for image in images
        )

    return Dataset(
        tuple(labels), moved(found.train), moved(found.validation), moved(found.test), "detection"
    )


def annotated_folder(
    images: Path, annotations: Path, labels: Sequence[str], seed: int, say: Say
) -> Dataset:
    """Pictures with COCO's, Pascal VOC's or YOLO's annotations, split by ``seed``.

    Raises ``EvaluationError`` for what cannot be read, :class:`DatasetError` for too little.
    """
    listed = list(read_annotations([(images, annotations)], labels, say).images.values())
    shown = {item.path: item for item in listed}
    return _split(
        [_labelled(probe, shown, labels) for probe in readable_images(shown, say)],
        labels,
        seed,
        say,
    )


def unlabelled_folder(folder: Path, labels: Sequence[str], seed: int, say: Say) -> Dataset:
    """Pictures of which nothing is known, split by ``seed``. Raises :class:`DatasetError`."""
    if not folder.is_dir():
        raise DatasetError(f"--images {folder}: no such folder")
    none: dict[Path, GroundTruthImage] = {}
    return _split(
        [_labelled(probe, none, labels) for probe in readable_images(list_images(folder), say)],
        labels,
        seed,
        say,
    )


def refuse_few(dataset: Dataset) -> None:
    """Raise :class:`DatasetError` where ``dataset`` is too small to train and to judge on."""
    if len(dataset.train) < LEAST_TRAINED or len(dataset.test) < LEAST_JUDGED:
        raise DatasetError(
            f"{len(dataset.train)} pictures to train on and {len(dataset.test)} to judge by: at "
            f"least {LEAST_TRAINED} and {LEAST_JUDGED} are needed, and 200 are a beginning"
        )


def _refuse_others(classes: Sequence[str], labels: Sequence[str], where: str) -> None:
    if unknown := [name for name in classes if name not in labels]:
        raise DatasetError(
            f"{where}: labels {', '.join(unknown)}, which the bundle does not have; it finds "
            f"{', '.join(labels[:8])}{', ...' if len(labels) > 8 else ''}: train anew for others"
        )


def _labelled(
    probe: ImageProbe, shown: dict[Path, GroundTruthImage], labels: Sequence[str]
) -> tuple[ImageProbe, TrainingImage]:
    boxes = [box for box in shown[probe.path].boxes if box.label in labels] if shown else []
    sides = np.array(
        [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes], np.float32
    ).reshape(-1, 4)
    sides[:, 0::2] = sides[:, 0::2].clip(0, probe.width)
    sides[:, 1::2] = sides[:, 1::2].clip(0, probe.height)
    whole = (sides[:, 2] > sides[:, 0]) & (sides[:, 3] > sides[:, 1])
    return probe, TrainingImage(
        path=probe.path,
        boxes=sides[whole],
        class_ids=np.array([labels.index(box.label) for box in boxes], np.int32)[whole],
        ignored=np.array([box.ignored for box in boxes], np.bool_)[whole],
        width=probe.width,
        height=probe.height,
    )


def _split(
    items: Sequence[tuple[ImageProbe, TrainingImage]], labels: Sequence[str], seed: int, say: Say
) -> Dataset:
    """Near duplicates on one side; the test images are those that are judged on."""
    left = list(items)
    drawn = []
    for share in (JUDGED_SHARE, VALIDATION_SHARE):
        groups = group_near_duplicates(
            [probe.path for probe, _ in left], [probe.hash for probe, _ in left]
        )
        chosen = draw_split(groups, share, seed) if len(left) > 1 else set()
        drawn.append(tuple(image for at, (_, image) in enumerate(left) if at in chosen))
        left = [item for at, item in enumerate(left) if at not in chosen]
    test, validation = drawn
    say(
        f"images      {len(left)} to train on, {len(validation)} to choose by, {len(test)} to "
        f"judge by, drawn by seed {seed}"
    )
    return Dataset(tuple(labels), tuple(image for _, image in left), validation, test, "detection")
