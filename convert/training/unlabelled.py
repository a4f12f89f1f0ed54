"""Images without labels: those that a teacher alone speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from convert.errors import DatasetError
from convert.training.dataset import TrainingImage
from convert.training.image_probe import ImageProbe, probe_images
from device.images import list_images

Say = Callable[[str], None]


def readable_images(paths: Iterable[Path], say: Say) -> Iterator[ImageProbe]:
    """What is known of each image that can be read; ``say`` hears of the others."""
    for probe in probe_images(paths):
        if isinstance(probe, ImageProbe):
            yield probe
        else:
            say(f"left out: {probe}")


def unlabelled_images(
    folder: Path, judged: Sequence[TrainingImage], say: Say
) -> tuple[TrainingImage, ...]:
    """The images of ``folder`` without the files that ``judged`` are.

    Raises :class:`DatasetError` where there is none.
    """
    if not folder.is_dir():
        raise DatasetError(f"--unlabelled {folder}: no such folder")
    kept_apart = {image.path.resolve() for image in judged}
    paths = [path for path in list_images(folder) if path.resolve() not in kept_apart]
    found = tuple(
        TrainingImage(
            probe.path,
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int32),
            np.zeros(0, np.bool_),
            probe.width,
            probe.height,
        )
        for probe in readable_images(paths, say)
    )
    if not found:
        raise DatasetError(f"--unlabelled {folder}: no images to learn from in it")
    return found
