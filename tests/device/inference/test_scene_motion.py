"""Tests of the motion of a whole scene."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from device.inference.scene_motion import SceneMotion

CELL = 4
SIDE = 75 * CELL


@pytest.fixture(scope="module")
def landscape():
    """Brightness of something wider than a frame, in pixels: blots, as out of focus."""
    noise = np.random.default_rng(5).integers(0, 256, (400, 500)).astype(np.float32)
    blots = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(blots, None, 0, 255, cv2.NORM_MINMAX)


def cells(landscape, left=0.0, top=0.0):
    """What a camera sees that looks ``left`` and ``top`` pixels to the side, in cells."""
    matrix = np.array([[1, 0, left], [0, 1, top]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(landscape, matrix, (SIDE, SIDE), flags=flags)
    return seen.reshape(75, CELL, 75, CELL).mean(axis=(1, 3))


@pytest.fixture
def motion():
    return SceneMotion(level=12)


def test_first_frame_lies_at_nought(motion, landscape):
    assert motion.follow(cells(landscape)).offset == (0, 0)


@pytest.mark.parametrize(("across", "down"), [(2, 1), (-4, 6), (7, 0)])
def test_camera_that_pans_moves_the_scene_the_other_way(motion, landscape, across, down):
    left, top = 60, 40
    for frame in range(6):
        seen = motion.follow(cells(landscape, left + frame * across, top + frame * down))
    assert seen.offset == pytest.approx((-5 * across / CELL, -5 * down / CELL), abs=0.2)


def test_slow_motion_adds_up(motion, landscape):
    for frame in range(30):
        seen = motion.follow(cells(landscape, 0.2 * frame))
    # Up to where it was last large enough to show.
    assert -29 * 0.2 / CELL - 0.05 <= seen.offset[0] < -0.8


def test_what_crosses_a_still_scene_moves_no_scene(motion, landscape):
    for left in range(0, 40, 2):
        seen = cells(landscape)
        seen[20:60, left : left + 25] = 250
        assert motion.follow(seen).offset == (0, 0)


def test_other_scene_and_one_without_any_mark_are_no_motion(motion, landscape):
    motion.follow(cells(landscape))
    plain = np.full((75, 75), 90, np.float32)
    assert motion.follow(plain).offset == (0, 0)
    assert motion.follow(plain + 50).offset == (0, 0)
    assert motion.follow(cells(landscape, 100, 50)).offset == (0, 0)
