"""A labelled dataset as training takes it: paths and boxes, never pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convert.errors import DatasetError

Task = Literal["detection", "classification"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImage:
    """One image and what it shows. A detector's image without boxes is a negative.

    ``boxes`` float32 (n, 4): x_min, y_min, x_max, y_max in pixels of the upright image, that is
    of what :func:`device.images.read_image` returns, within it and never empty.
    ``class_ids`` int32 (n,): positions in :attr:`Dataset.classes`; of a classifier's image one,
    and no box.
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

    ``seed`` draws the split. ``say`` hears what was taken for what, and each warning. Raises
    :class:`DatasetError` where training would be senseless.
    """
    say(f"split by seed {seed}")
    raise DatasetError(f"{folder}: no dataset")
