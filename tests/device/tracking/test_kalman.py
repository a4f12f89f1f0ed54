from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tracking.kalman import BoxFilter, MotionNoise, to_centres, to_corners

NOISE = MotionNoise(measurement=0.1, acceleration=0.0, initial_velocity=1.0)
BOX = np.array([[10.0, 20.0, 30.0, 60.0]])  # 20 wide, 40 high, centre 20, 40

sides = st.floats(-1e4, 1e4)


@given(st.lists(st.tuples(sides, sides, sides, sides), min_size=1, max_size=5))
def test_corners_and_centres_are_inverse(boxes):
    boxes = np.array(boxes)
    np.testing.assert_allclose(to_corners(to_centres(boxes)), boxes, atol=1e-6)


def test_centres_of_a_box():
    np.testing.assert_allclose(to_centres(BOX), [[20.0, 40.0, 20.0, 40.0]])


def test_new_box_stays_where_it_was_found():
    boxes = BoxFilter(NOISE)
    boxes.add(BOX)
    boxes.predict(1.0)
    np.testing.assert_allclose(boxes.boxes, BOX)


def test_correction_weighs_what_was_predicted_and_what_was_found():
    """By hand: the variance of a position is 4^2 + 1^2 * 40^2 = 1616 after a second.

    A detection's is 4^2 = 16, so the gain is 1616 / 1632, and that of the velocity 1600 / 1632.
    """
    boxes = BoxFilter(NOISE)
    boxes.add(BOX)
    boxes.predict(1.0)
    boxes.correct(np.array([0]), BOX + np.array([16.32, 0.0, 16.32, 0.0]))
    assert boxes.position[0, 0] == pytest.approx(20 + 16.16)
    assert boxes.velocity[0, 0] == pytest.approx(16.0)
    assert boxes.position[0, 1:] == pytest.approx([40.0, 20.0, 40.0])


def test_steady_motion_is_learnt_and_goes_on():
    boxes = BoxFilter(MotionNoise())
    boxes.add(BOX)
    for step in range(1, 26):
        boxes.predict(0.04)
        boxes.correct(np.array([0]), BOX + 2.0 * step)  # 50 pixels per second
    assert boxes.velocity[0, :2] == pytest.approx([50.0, 50.0], rel=0.02)
    boxes.predict(0.5)
    assert boxes.position[0, :2] == pytest.approx([20 + 75.0, 40 + 75.0], abs=1.5)


def test_one_long_step_predicts_what_many_short_ones_do():
    long, short = BoxFilter(NOISE), BoxFilter(NOISE)
    for boxes in (long, short):
        boxes.add(BOX)
        boxes.predict(0.5)
        boxes.correct(np.array([0]), BOX + 5.0)
    long.predict(1.0)
    for _ in range(10):
        short.predict(0.1)
    np.testing.assert_allclose(long.boxes, short.boxes)
    found = BOX + 9.0
    for boxes in (long, short):
        boxes.correct(np.array([0]), found)
    np.testing.assert_allclose(long.boxes, short.boxes)


def test_box_that_shrinks_keeps_a_pixel():
    boxes = BoxFilter(NOISE)
    boxes.add(BOX)
    boxes.velocity[0, 2:] = -1000.0
    boxes.predict(1.0)
    np.testing.assert_allclose(boxes.position[0, 2:], [1.0, 1.0])


def test_boxes_are_kept_by_position():
    boxes = BoxFilter(NOISE)
    boxes.add(np.concatenate([BOX, BOX + 100, BOX + 200]))
    boxes.keep(np.array([0, 2]))
    boxes.predict(0.1)
    np.testing.assert_allclose(boxes.boxes, np.concatenate([BOX, BOX + 200]))
