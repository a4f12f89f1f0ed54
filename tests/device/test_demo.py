from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from device.camera import read_picture
from device.demo import FRAMES_PER_SAMPLE, DemoCamera
from device.errors import SourceError


def views(pictures, count, seed=0):
    return [frame.pixels for frame in DemoCamera(pictures, seed).frames(limit=count)]


def test_frames_are_640x480_at_30_per_second(noise):
    assert DemoCamera([noise]).fps == 30.0
    assert {view.shape for view in views([noise], 5)} == {(480, 640, 3)}


def test_same_seed_gives_the_same_frames(noise):
    first, second = views([noise], 100), views([noise], 100)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_seed_gives_other_frames(noise):
    assert not np.array_equal(views([noise], 1)[0], views([noise], 1, seed=1)[0])


def test_each_picture_has_its_turn_and_then_the_first_again():
    pictures = [np.full((50, 60, 3), grey, np.uint8) for grey in (10, 20, 30)]
    shown = [int(view.mean()) for view in views(pictures, 4 * FRAMES_PER_SAMPLE)]
    assert shown == [grey for grey in (10, 20, 30, 10) for _ in range(FRAMES_PER_SAMPLE)]


def test_view_moves_all_the_time(noise):
    moving = views([noise], FRAMES_PER_SAMPLE)
    assert not any(np.array_equal(a, b) for a, b in pairwise(moving[1:-1]))


@pytest.mark.parametrize("shape", [(300, 300), (200, 900), (900, 200), (2000, 3000), (16, 16)])
def test_view_stays_inside_pictures_of_any_shape(shape):
    """A marked margin outside the picture would show if the view went past its edge."""
    rows, columns = np.indices(shape)
    picture = np.stack((rows % 251, columns % 251, np.full(shape, 200)), axis=2).astype(np.uint8)
    for view in views([picture], FRAMES_PER_SAMPLE)[::15]:
        assert (view[..., 2] == 200).all()
        # Past the edge the last row or column would be repeated: no change along it.
        for edge in (view[:2], view[-2:], view[:, :2].swapaxes(0, 1), view[:, -2:].swapaxes(0, 1)):
            along = edge[0].astype(int)[:, :2]
            assert along.std(axis=0).max() > 0


def test_samples_of_the_bundle_are_recognised_in_the_view(engine, small_bundle):
    pictures = [
        read_picture(small_bundle / "samples" / f"{name}.jpg") for name in ("cat", "motorcycle")
    ]
    frames = DemoCamera(pictures).frames(limit=2 * FRAMES_PER_SAMPLE)
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
