"""Batches of augmented images with their targets, made ahead of the training step.

A batch is a function of the seed and the step alone, so that a run taken up again goes on with the
batches it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from convert.training.augment import View, augment
from convert.training.dataset import TrainingImage
from convert.training.image_store import ImageStore
from convert.training.targets import NOWHERE, Targets

BATCH = 16
AHEAD = 3  # batches made while one is trained on


@dataclass(frozen=True, slots=True)
class Batch:
    """Images as the network gets them, and their targets.

    ``pixels`` uint8 (batch, size, size, 3), RGB; ``classes`` int32 (batch, anchors) and
    ``encodings`` float32 (batch, anchors, 4) as in :class:`~convert.training.targets.Targets`.
    """

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int32]
    encodings: NDArray[np.float32]


TargetsOf = Callable[
    [NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]],
    Targets,
]
"""Targets for the boxes, class ids and ignored marks of a view; such as a ``Matcher``."""


class Batches:
    """Endless shuffled passes over the training images."""

    def __init__(
        self,
        images: Sequence[TrainingImage],
        store: ImageStore,
        matcher: TargetsOf,
        size: int,
        mirror: bool,
        seed: int,
        count: int = BATCH,
    ) -> None:
        """``mirror``: whether images may be mirrored; ``count`` of them are in a batch."""
        self._images = images
        self._store = store
        self._matcher = matcher
        self._size = size
        self._mirror = mirror
        self._seed = seed
        self._count = count
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, passes: int) -> NDArray[np.intp]:
        random = np.random.default_rng((self._seed, 0, passes))
        return random.permutation(len(self._images))

    def make(self, step: int) -> Batch:
        """The batch of training step ``step``. Raises ``DatasetError`` where no image is left."""
        views = [self._view(step * self._count + place) for place in range(self._count)]
        targets = [self._matcher(item.boxes, item.class_ids, item.ignored) for item in views]
        return Batch(
            np.stack([cv2.cvtColor(item.pixels, cv2.COLOR_BGR2RGB) for item in views]),
            np.stack([item.classes for item in targets]),
            np.stack([item.encodings for item in targets]),
        )

    def _view(self, sample: int) -> View:
        passes, position = divmod(sample, len(self._images))
        random = np.random.default_rng((self._seed, 1, sample))
        number, pixels = self._store.read_with_number(int(self._order(passes)[position]))
        image = self._images[number]
        boxes = relative_boxes(image)
        return augment(
            pixels, boxes, image.class_ids, image.ignored, self._size, self._mirror, random
        )

    def from_step(self, first: int) -> Iterator[Batch]:
        """Batches from step ``first`` on, for ever, made in a thread ahead of their use."""
        return _ahead(self.make, first)


class MixedBatches:
    """Batches of labelled images and of others, of which no label is said."""

    def __init__(self, labelled: Batches, unlabelled: Batches) -> None:
        self._labelled = labelled
        self._unlabelled = unlabelled

    def make(self, step: int) -> Batch:
        """The batch of training step ``step``, the labelled images first."""
        ours, theirs = self._labelled.make(step), self._unlabelled.make(step)
        return Batch(
            np.concatenate((ours.pixels, theirs.pixels)),
            np.concatenate((ours.classes, np.full_like(theirs.classes, NOWHERE))),
            np.concatenate((ours.encodings, theirs.encodings)),
        )

    def from_step(self, first: int) -> Iterator[Batch]:
        """As :meth:`Batches.from_step`."""
        return _ahead(self.make, first)


def _ahead(make: Callable[[int], Batch], first: int) -> Iterator[Batch]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting: list[Future[Batch]] = [
            pool.submit(make, first + number) for number in range(AHEAD)
        ]
        step = first + AHEAD
        try:
            while True:
                waiting.append(pool.submit(make, step))
                step += 1
                yield waiting.pop(0).result()
        finally:
            for item in waiting:
                item.cancel()


def relative_boxes(image: TrainingImage) -> NDArray[np.float32]:
    """The boxes of ``image``, 0..1 of its sides."""
    sides = np.array([image.width, image.height] * 2, np.float32)
    boxes: NDArray[np.float32] = image.boxes / sides
    return boxes
