from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from device.cameras import demo as module
from device.cameras.base import CameraOptions
from device.cameras.demo import FRAMES_PER_SAMPLE, DemoCamera
from device.errors import SourceError
from device.images import read_image


def views(images, count, seed=0):
    return [
        frame.pixels for frame in DemoCamera(images, CameraOptions(seed=seed)).frames(limit=count)
    ]


def test_frames_are_640x480_at_30_per_second(noise):
    assert DemoCamera([noise]).fps == 30.0
    assert {view.shape for view in views([noise], 5)} == {(480, 640, 3)}


def test_frames_come_in_the_size_that_was_asked_for(noise):
    camera = DemoCamera([noise], CameraOptions(size_wh=(320, 180)))
    assert next(camera.frames()).size_wh == (320, 180)


def test_same_seed_gives_the_same_frames(noise):
    first, second = views([noise], 100), views([noise], 100)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_seed_gives_other_frames(noise):
    assert not np.array_equal(views([noise], 1)[0], views([noise], 1, seed=1)[0])


def test_each_picture_has_its_turn_and_then_the_first_again():
    images = [np.full((50, 60, 3), grey, np.uint8) for grey in (10, 20, 30)]
    shown = [int(view.mean()) for view in views(images, 4 * FRAMES_PER_SAMPLE)]
    assert shown == [grey for grey in (10, 20, 30, 10) for _ in range(FRAMES_PER_SAMPLE)]


def test_view_moves_all_the_time(noise):
    moving = views([noise], FRAMES_PER_SAMPLE)
    assert not any(np.array_equal(a, b) for a, b in pairwise(moving[1:-1]))


@pytest.mark.parametrize("shape", [(300, 300), (200, 900), (900, 200), (2000, 3000), (16, 16)])
def test_view_stays_inside_pictures_of_any_shape(monkeypatch, shape):
    corners = []

    def note(image, matrix, size_wh, **_):
        corners.append(matrix @ [[0, size_wh[0]], [0, size_wh[1]], [1, 1]])
        return np.zeros((size_wh[1], size_wh[0], 3), np.uint8)

    monkeypatch.setattr(module.cv2, "warpAffine", note)
    views([np.zeros((*shape, 3), np.uint8)] * 5, 5 * FRAMES_PER_SAMPLE)
    (x_min, x_max), (y_min, y_max) = np.swapaxes(corners, 0, 1).swapaxes(1, 2)
    assert len(corners) == 5 * FRAMES_PER_SAMPLE
    assert min(x_min.min(), y_min.min()) >= -1e-6
    assert x_max.max() <= shape[1] + 1e-6
    assert y_max.max() <= shape[0] + 1e-6
    assert np.allclose((x_max - x_min) / (y_max - y_min), 4 / 3), "the view is distorted"


def test_samples_of_the_bundle_are_recognised_in_the_view(engine, small_bundle):
    images = [
        read_image(small_bundle / "samples" / f"{name}.jpg") for name in ("cat", "motorcycle")
    ]
    frames = DemoCamera(images).frames(limit=2 * FRAMES_PER_SAMPLE)
    seen = [
        {item.label for item in engine.run(frame).detections}
        for frame in frames
        if frame.index % 15 == 7
    ]
    assert sum("cat" in labels for labels in seen[:5]) >= 4
    assert sum("motorcycle" in labels for labels in seen[5:]) >= 4


def test_bundle_without_samples_is_an_error():
    with pytest.raises(SourceError, match="no sample pictures"):
        DemoCamera([])
