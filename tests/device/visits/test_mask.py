from __future__ import annotations

import numpy as np

from device.records import Frame
from device.visits.mask import PrivacyMask
from device.visits.plan import Mask

LEFT_HALF = Mask(points=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))


def test_mask_is_black_in_frame_and_lores_and_leaves_the_camera_its_own():
    white, small = np.full((40, 101, 3), 255, np.uint8), np.full((10, 21, 3), 255, np.uint8)
    frame = PrivacyMask([LEFT_HALF]).apply(Frame(white, 3, 1.0, lores=small))
    assert not frame.pixels[:, :51].any()
    assert (frame.pixels[:, 51:] == 255).all()
    assert frame.lores is not None
    assert not frame.lores[:, :11].any()
    assert (frame.lores[:, 11:] == 255).all()
    assert (white == 255).all()
    assert (frame.index, frame.captured_at_s) == (3, 1.0)


def test_mask_follows_a_picture_of_another_size():
    mask = PrivacyMask([LEFT_HALF])
    for width in (101, 201, 101):
        black = mask.apply(Frame(np.full((10, width, 3), 255, np.uint8), 0, 0.0)).pixels
        assert (black == 0).sum() == 10 * (width // 2 + 1) * 3


def test_mask_of_the_whole_picture_leaves_nothing():
    whole = Mask(points=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    white = np.full((48, 64, 3), 255, np.uint8)
    assert not PrivacyMask([whole]).apply(Frame(white, 0, 0.0)).pixels.any()
