from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.models.anchors import grid_sizes, ssd_anchors
from convert.training.batches import BATCH, Batches, MixedBatches, relative_boxes
from convert.training.dataset import TrainingImage
from convert.training.image_store import ImageStore
from convert.training.targets import NOWHERE, Matcher
from tests.convert.training.shapes import draw_dataset

SIZE = 96
IMAGES = 8


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    dataset = draw_dataset(folder / "images", train=IMAGES, others=1)
    store = ImageStore(dataset.train, folder / "work", SIZE, pytest.fail)
    matcher = Matcher(ssd_anchors(grid_sizes(SIZE)))
    return Batches(dataset.train, store, matcher, SIZE, True, seed=5)


def test_batch_depends_on_seed_and_step_alone(batches):
    first, again, next_one = batches.make(3), batches.make(3), batches.make(4)
    assert (first.pixels == again.pixels).all()
    assert (first.encodings == again.encodings).all()
    assert (first.pixels != next_one.pixels).any()
    stream = batches.from_step(3)
    assert (next(stream).pixels == first.pixels).all()
    assert (next(stream).pixels == next_one.pixels).all()
    stream.close()


def test_pass_shows_every_image_once(batches):
    assert sorted(batches._order(0)) == list(range(IMAGES))
    assert list(batches._order(0)) != list(batches._order(1))


def test_batch_has_targets_for_every_anchor(batches):
    batch = batches.make(0)
    anchors = len(ssd_anchors(grid_sizes(SIZE)))
    assert (batch.pixels.shape, batch.pixels.dtype) == ((BATCH, SIZE, SIZE, 3), np.uint8)
    assert (batch.classes.shape, batch.classes.dtype) == ((BATCH, anchors), np.int32)
    assert (batch.encodings.shape, batch.encodings.dtype) == ((BATCH, anchors, 4), np.float32)


def test_boxes_become_shares_of_the_sides():
    boxes = np.array([[16, 12, 64, 48]], np.float32)
    image = TrainingImage(Path("a"), boxes, np.zeros(1, np.int32), np.zeros(1, np.bool_), 64, 48)
    np.testing.assert_array_equal(relative_boxes(image), [[0.25, 0.25, 1, 1]])


def test_mixed_batch_says_no_label_of_its_second_half(batches):
    half = BATCH // 2
    parts = [
        Batches(batches._images, batches._store, batches._matcher, SIZE, True, seed, half)
        for seed in (5, 6)
    ]
    mixed = MixedBatches(*parts)
    batch = mixed.make(2)
    assert (batch.pixels[:half] == parts[0].make(2).pixels).all()
    assert (batch.pixels[half:] == parts[1].make(2).pixels).all()
    assert (batch.classes[:half] == parts[0].make(2).classes).all()
    assert (batch.classes[half:] == NOWHERE).all()
    stream = mixed.from_step(2)
    assert (next(stream).pixels == batch.pixels).all()
    stream.close()
