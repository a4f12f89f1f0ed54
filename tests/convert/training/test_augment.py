from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.training.augment import Window, augment, may_mirror, random_window, recolour, view

WHOLE = Window(0, 0, 1, 1)


def rectangle(width=80, height=40, box=(0.25, 0.5, 0.5, 1.0)):
    """A black image with a white rectangle at ``box``."""
    pixels = np.zeros((height, width, 3), np.uint8)
    x_min, y_min, x_max, y_max = np.multiply(box, [width, height, width, height]).astype(int)
    pixels[y_min:y_max, x_min:x_max] = 255
    return pixels, np.array([box], np.float32)


def seen(pixels, boxes, window, mirrored=False, size=64):
    count = len(boxes)
    return view(
        pixels,
        boxes,
        np.arange(count, dtype=np.int32),
        np.zeros(count, bool),
        window,
        size,
        mirrored,
    )


def white_box(pixels):
    """The bounding box of what is white, 0..1."""
    rows, columns = np.nonzero(pixels[..., 0] > 200)
    size = pixels.shape[0]
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / size


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    "window", [WHOLE, Window(0.125, 0.25, 0.5, 0.75), Window(-0.5, -0.25, 2.0, 1.5)]
)
def test_box_stays_around_its_object(window, mirrored):
    found = seen(*rectangle(), window, mirrored)
    assert found.boxes[0] == pytest.approx(white_box(found.pixels), abs=0.03)
    assert not found.ignored[0]


def test_whole_view_is_the_image_itself():
    pixels, boxes = rectangle(64, 64)
    found = seen(pixels, boxes, WHOLE)
    assert (found.pixels == pixels).all()
    assert found.boxes == pytest.approx(boxes)


def test_object_outside_the_window_is_gone():
    found = seen(*rectangle(), Window(0.6, 0, 0.4, 1))
    assert len(found.boxes) == 0


def test_object_cut_to_a_fifth_is_ignored():
    # The box spans 0.25 to 0.5; of it the window shows 0.45 to 0.5.
    found = seen(*rectangle(), Window(0.45, 0, 0.5, 1))
    assert found.ignored.tolist() == [True]


def test_object_of_two_pixels_is_ignored():
    found = seen(*rectangle(box=(0.5, 0.5, 0.51, 0.51)), WHOLE)
    assert found.ignored.tolist() == [True]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["cat", "dog"], True),
        (["arrow_left", "arrow_right"], False),
        (["Left", "Right"], False),
        (["left2"], False),
        (["bright", "cleft"], True),
    ],
)
def test_sides_forbid_mirrors(classes, expected):
    assert may_mirror(classes) is expected


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_random_view_is_of_its_size_with_boxes_inside(seed):
    pixels, boxes = rectangle()
    random = np.random.default_rng(seed)
    found = augment(pixels, boxes, np.zeros(1, np.int32), np.zeros(1, bool), 48, True, random)
    assert found.pixels.shape == (48, 48, 3)
    assert found.pixels.dtype == np.uint8
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert len(found.boxes) == len(found.class_ids) == len(found.ignored)


def test_one_seed_makes_one_view():
    def make(seed):
        pixels, boxes = rectangle()
        random = np.random.default_rng(seed)
        return augment(pixels, boxes, np.zeros(1, np.int32), np.zeros(1, bool), 48, True, random)

    assert (make(3).pixels == make(3).pixels).all()
    assert (make(3).pixels != make(4).pixels).any()


def test_windows_zoom_in_and_out():
    random = np.random.default_rng(0)
    widths = [random_window(random, np.zeros((0, 4), np.float32)).width for _ in range(200)]
    assert min(widths) < 0.5
    assert max(widths) > 1.5


def test_colours_change_but_not_beyond_recognition():
    pixels, _ = rectangle()
    changed = [recolour(pixels, np.random.default_rng(seed)) for seed in range(40)]
    contrast = [image[30, 30].mean() - image[5, 5].mean() for image in changed]
    assert min(contrast) > 100
    assert len({image.tobytes() for image in changed}) > 20
