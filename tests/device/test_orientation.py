from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.orientation import Orientation
from tests.helpers.scene import laid_down

ROTATIONS = (0, 90, 180, 270)
FLIPS = (None, "horizontal", "vertical", "both")
IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize(("rotate", "flip"), itertools.product(ROTATIONS, FLIPS))
def test_picture_is_turned_clockwise_and_then_mirrored(rotate, flip):
    turned = Orientation.of(rotate, flip).apply(IMAGE)
    assert np.array_equal(turned, laid_down(IMAGE, rotate, flip))
    assert turned.flags.c_contiguous


@pytest.mark.parametrize(("rotate", "flip"), itertools.product(ROTATIONS, FLIPS))
def test_mirrors_of_the_camera_and_a_transposition_do_the_same(rotate, flip):
    orientation = Orientation.of(rotate, flip)
    hflip, vflip = orientation.mirrors_before()
    mirrored = Orientation(hflip=hflip, vflip=vflip).apply(IMAGE)
    both = Orientation(transpose=orientation.transpose).apply(mirrored)
    assert np.array_equal(both, orientation.apply(IMAGE))


def test_nothing_to_do_is_no_copy():
    assert Orientation.of(0, None).apply(IMAGE) is IMAGE
    assert Orientation.of(180, "both").apply(IMAGE) is IMAGE
