from __future__ import annotations

import cv2
import numpy as np

from device.image_hash import SAME_BITS, bits_apart, difference_hash, frame_hash


def test_hash_has_a_bit_for_each_cell_brighter_than_its_left():
    rising = np.repeat(np.linspace(0, 1, 9, dtype=np.float32)[None, :, None], 8, axis=0)
    image = np.repeat(rising, 3, axis=2)
    assert difference_hash(image) == 2**64 - 1
    assert difference_hash(image[:, ::-1].copy()) == 0
    image[0, 1:] = 0  # the top row is dark right of its first cell
    assert difference_hash(image) == 2**56 - 1


def test_flat_image_has_no_bit():
    assert frame_hash(np.full((48, 64, 3), 200, np.uint8)) == 0


def test_frame_survives_scaling_and_jpeg_and_differs_from_its_mirror_image(noise):
    view = cv2.resize(noise[:6, :8], (320, 240), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(".jpg", cv2.resize(view, (160, 120)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    smaller = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bits_apart(frame_hash(view), frame_hash(smaller)) <= SAME_BITS
    assert bits_apart(frame_hash(view), frame_hash(view[:, ::-1].copy())) > SAME_BITS


def test_bits_apart_counts_those_that_differ():
    assert bits_apart(0b1100, 0b0110) == 2
