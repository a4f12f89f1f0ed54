from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.errors import DatasetError
from convert.models.anchors import AnchorLayout, grid_sizes
from convert.training.dataset import TrainingImage
from convert.training.input_size import (
    SIZES,
    boxes_of,
    check_size,
    choose_layout,
    choose_size,
    fitting_share,
)


def images_with(side: float, count: int = 40) -> list[TrainingImage]:
    """Images of 1000 x 1000 with a square of ``side`` of the image each, in many places."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        x, y = random.uniform(0, 1 - side, 2) * 1000
        box = np.array([[x, y, x + side * 1000, y + side * 1000]], np.float32)
        found.append(
            TrainingImage(Path("a.jpg"), box, np.zeros(1, np.int32), np.zeros(1, bool), 1000, 1000)
        )
    return found


def test_grids_of_300_are_those_of_the_published_network():
    assert grid_sizes(300) == (19, 10, 5, 3, 2, 1)
    assert grid_sizes(160) == (10, 5, 3, 2, 1, 1)


def test_large_objects_need_few_pixels():
    assert choose_size(images_with(0.6)).size == SIZES[0]


@pytest.mark.parametrize(
    ("side", "size"), [(0.6, 300), (0.2, 300), (0.1, 364), (0.08, 428), (0.06, 524)]
)
def test_objects_that_the_anchors_are_too_large_for_need_more_pixels(side, size):
    # At 300 pixels the finest anchors are 30 and 60 pixels wide, a tenth and a fifth of the side.
    assert choose_size(images_with(side, 200)).size == size


def test_reason_has_figures():
    assert "% of the boxes" in choose_size(images_with(0.2)).why


def test_tiny_objects_do_not_ask_for_the_impossible():
    choice = choose_size(images_with(0.01))
    assert choice.fitting < 0.1


def test_dataset_without_a_box_is_refused():
    empty = images_with(0.5, 1)
    none = TrainingImage(
        Path("a.jpg"), np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, bool), 9, 9
    )
    with pytest.raises(DatasetError, match="not one box"):
        choose_size([none])
    assert choose_size([*empty, none]).size == SIZES[0]


def test_share_of_boxes_that_fit_rises_with_the_size():
    boxes = boxes_of(images_with(0.07))
    shares = [fitting_share(boxes, AnchorLayout(size, 300 / size)) for size in SIZES]
    assert shares[0] == 0
    assert shares[0] < shares[1] < shares[2]
    assert min(shares[2:]) > 0.8


@pytest.mark.parametrize("size", [63, 641])
def test_size_beyond_the_grid_is_refused(size):
    with pytest.raises(DatasetError, match="expected 64 to 640"):
        check_size(size)


def test_large_objects_in_a_small_input_get_anchors_of_as_many_pixels():
    layout = choose_layout(boxes_of(images_with(0.6)), 150)
    assert layout == AnchorLayout(150, 2.0)
    assert layout.pixels == 300


def test_objects_too_small_for_such_anchors_get_smaller_ones():
    # The finest anchor of as many pixels is a fifth of 150 pixels wide: a box of a tenth is a
    # quarter of it.
    layout = choose_layout(boxes_of(images_with(0.1)), 150)
    assert 1 <= layout.scale < 1.5


def test_small_objects_in_a_large_input_get_anchors_of_as_many_pixels():
    assert choose_layout(boxes_of(images_with(0.1)), 600).scale == 0.5
    assert choose_layout(boxes_of(images_with(0.9)), 600).scale > 0.6


def test_anchors_keep_the_pixels_of_the_network_that_training_starts_from():
    assert choose_layout(boxes_of(images_with(0.6)), 200, pixels=240).scale == pytest.approx(1.2)


def test_published_size_has_the_published_anchors():
    for side in (0.05, 0.3, 0.9):
        assert choose_layout(boxes_of(images_with(side)), 300) == AnchorLayout(300)


def test_many_boxes_are_thinned_out():
    images = images_with(0.3, 30)
    assert len(boxes_of(images * 300)) < 9000 / 2 + 1
