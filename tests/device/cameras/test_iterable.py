from __future__ import annotations

import itertools

import numpy as np

from device.cameras.base import CameraOptions
from device.cameras.iterable import IterableCamera


def test_images_are_served_in_order_with_their_rate(noise):
    camera = IterableCamera([noise, noise + 1], fps=12.0)
    frames = list(camera.frames())
    assert [np.array_equal(frame.pixels, noise + frame.index) for frame in frames] == [True, True]
    assert camera.fps == 12.0
    assert not camera.live


def test_endless_images_end_at_the_limit(noise):
    assert len(list(IterableCamera(itertools.repeat(noise)).frames(limit=3))) == 3


def test_images_are_turned_as_asked(noise):
    (frame,) = IterableCamera([noise], options=CameraOptions(rotate=90)).frames()
    assert np.array_equal(frame.pixels, np.rot90(noise, -1))
