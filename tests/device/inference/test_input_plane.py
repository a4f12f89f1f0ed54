from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.inference.input_plane import REACH, InputPlane
from device.inference.preprocess import Placement

# An input that shows all of the frame, one that shows it between bars, one of its middle alone.
WHOLE = Placement(0, 0, 600, 400, 600, 400)
LETTERBOX = Placement(0, 0, 600, 400, 600, 400, (0.0, 1 / 6, 1.0, 2 / 3))
CROPPED = Placement(100, 0, 400, 400, 600, 400)
BOX = (200, 100, 260, 180)


def moved(box, across, down):
    """``box`` elsewhere."""
    return box[0] + across, box[1] + down, box[2] + across, box[3] + down


def texture(width, height):
    """Something that looks like nothing else: smooth, so that it can lie between pixels."""
    noise = np.random.default_rng(7).uniform(0, 255, (height // 6 + 2, width // 6 + 2))
    return cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)


def plane_with(
    thing=None, placement=WHOLE, shape=(400, 600), dtype=np.uint8, value_range=255.0
) -> InputPlane:
    """A plain plane, with something of a texture of its own around the box ``thing``."""
    pixels = np.full(shape, 114, np.float32)
    if thing is not None:
        left, top, width, height = placement.target
        scale_x = shape[1] * width / placement.width
        scale_y = shape[0] * height / placement.height
        x_min = (thing[0] - placement.left) * scale_x + left * shape[1]
        y_min = (thing[1] - placement.top) * scale_y + top * shape[0]
        columns, rows = (thing[2] - thing[0]) * scale_x, (thing[3] - thing[1]) * scale_y
        picture = texture(round(columns), round(rows))
        move = np.array([[1, 0, x_min], [0, 1, y_min]], np.float32)
        cv2.warpAffine(picture, move, shape[::-1], dst=pixels, borderMode=cv2.BORDER_TRANSPARENT)
    if dtype == np.int8:
        return InputPlane((pixels - 128).round().clip(-128, 127).astype(dtype), placement, 255.0)
    return InputPlane(pixels.round().clip(0, 255).astype(dtype), placement, value_range)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float32])
@pytest.mark.parametrize(
    ("placement", "shape"),
    [
        (WHOLE, (400, 600)),
        (WHOLE, (300, 300)),
        (LETTERBOX, (300, 300)),
        (CROPPED, (300, 300)),
    ],
)
def test_piece_is_found_where_it_went(dtype, placement, shape):
    patch = plane_with(BOX, placement, shape, dtype).cut(BOX)
    there = moved(BOX, 5, -4)
    plane = plane_with(there, placement, shape, dtype)
    np.testing.assert_allclose(plane.find(patch, BOX), there, atol=0.6)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_piece_is_found_between_pixels(across, down):
    patch = plane_with(BOX).cut(BOX)
    there = moved(BOX, across, down)
    np.testing.assert_allclose(plane_with(there).find(patch, BOX), there, atol=0.3)


def test_piece_is_looked_for_where_the_scene_took_it():
    patch = plane_with(BOX).cut(BOX)
    there = moved(BOX, 40, 0)
    plane = plane_with(there)
    assert plane.find(patch, BOX) is None
    np.testing.assert_allclose(plane.find(patch, moved(there, -3, -3)), there, atol=0.1)


def test_piece_that_went_too_far_is_not_found():
    patch = plane_with(BOX).cut(BOX)
    near, far = moved(BOX, REACH - 1, 0), moved(BOX, REACH + 1, 0)
    assert plane_with(near).find(patch, BOX) == pytest.approx(near, abs=0.1)
    assert plane_with(far).find(patch, BOX) is None


def test_piece_that_is_gone_is_not_found():
    patch = plane_with(BOX).cut(BOX)
    assert plane_with().find(patch, BOX) is None


@pytest.mark.parametrize("placement", [WHOLE, LETTERBOX])
def test_piece_that_left_the_input_is_not_found(placement):
    edge = (540, 320, 600, 400)
    plane = plane_with(edge, placement)
    patch = plane.cut(edge)
    np.testing.assert_allclose(plane.find(patch, edge), edge, atol=0.1)
    assert plane.find(patch, moved(edge, 500, 500)) is None
    assert plane.find(patch, moved(edge, -2000, -2000)) is None


def test_bars_of_a_letterbox_are_no_piece_of_the_frame():
    plane = plane_with(placement=LETTERBOX, shape=(300, 300))
    plane._pixels[:50] = plane._pixels[250:] = 0  # the frame is as plain as the bars, but brighter
    assert plane.cut((200, 0, 260, 80)) is None
    patch = plane_with(BOX, LETTERBOX, (300, 300)).cut(BOX)
    assert patch.top >= 50


def test_thing_at_the_edge_of_the_frame_is_found_along_it():
    edge = (540, 320, 600, 400)
    patch = plane_with(edge).cut(edge)
    there = moved(edge, -3, 0)
    assert plane_with(there).find(patch, edge) == pytest.approx(there, abs=0.2)


def test_plain_piece_is_not_cut():
    assert plane_with().cut(BOX) is None


def test_piece_with_no_contrast_for_its_range_is_not_cut():
    assert plane_with(BOX, dtype=np.float32).cut(BOX) is not None
    assert plane_with(BOX, dtype=np.float32, value_range=1e5).cut(BOX) is None


def test_piece_of_few_pixels_is_not_cut():
    plane = plane_with(BOX, shape=(300, 300))  # half as wide as the frame
    assert plane.cut((210, 110, 212, 150)) is None  # from 104.85 to 106.15
    assert plane.cut((210, 110, 216, 150)) is not None


def test_frame_has_the_size_of_its_placement():
    assert plane_with(shape=(300, 300)).size_wh == (600, 400)
