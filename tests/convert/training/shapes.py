"""A dataset that is drawn: discs and squares on noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from convert.training.dataset import Dataset, TrainingImage

CLASSES = ("disc", "square")


def draw(path: Path, seed: int, side: int = 128) -> TrainingImage:
    """An image with one disc or one square of a sure colour, written to ``path``."""
    random = np.random.default_rng(seed)
    pixels = random.integers(60, 120, (side, side, 3)).astype(np.uint8)
    kind = seed % 2
    half = int(random.integers(side // 5, side // 3))
    x, y = random.integers(half, side - half, 2).tolist()
    if kind == 0:
        cv2.circle(pixels, (x, y), half, (30, 30, 230), -1)
    else:
        cv2.rectangle(pixels, (x - half, y - half), (x + half, y + half), (230, 200, 30), -1)
    cv2.imwrite(str(path), pixels)
    box = np.array([[x - half, y - half, x + half, y + half]], np.float32)
    return TrainingImage(path, box, np.array([kind], np.int32), np.zeros(1, np.bool_), side, side)


def draw_class_folders(folder: Path, train: int = 24, others: int = 8) -> Path:
    """The same images in a folder for each split, and in it one for each class."""
    for number in range(train + 2 * others):
        split = "train" if number < train else "valid" if number < train + others else "test"
        place = folder / split / CLASSES[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        draw(place / f"{number:03d}.png", number)
    return folder


def draw_dataset(folder: Path, train: int = 24, others: int = 8) -> Dataset:
    """Drawn images in three splits."""
    folder.mkdir(parents=True, exist_ok=True)
    images = [draw(folder / f"{number:03d}.png", number) for number in range(train + 2 * others)]
    return Dataset(
        classes=CLASSES,
        train=tuple(images[:train]),
        validation=tuple(images[train : train + others]),
        test=tuple(images[train + others :]),
        task="detection",
    )
