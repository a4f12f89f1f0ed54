from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from convert.training.image_probe import probe_image, probe_images
from device.errors import SourceError


def write(path, size_wh=(120, 80), seed=0, orientation=None):
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    pixels = cv2.resize(blocks, size_wh, interpolation=cv2.INTER_NEAREST)
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize(("orientation", "expected"), [(None, (120, 80)), (3, (120, 80))])
def test_size_is_of_the_upright_image(tmp_path, name, orientation, expected):
    probe = probe_image(write(tmp_path / name, orientation=orientation))
    assert (probe.width, probe.height) == expected


def test_quarter_turn_of_exif_changes_the_sides(tmp_path):
    probe = probe_image(write(tmp_path / "a.jpg", orientation=6))
    assert (probe.width, probe.height) == (80, 120)
    assert probe.stored_size == (120, 80)


def test_hash_survives_scaling_and_compression(tmp_path):
    one = probe_image(write(tmp_path / "a.png", (480, 320)))
    other = probe_image(write(tmp_path / "b.jpg", (1200, 800)))
    another = probe_image(write(tmp_path / "c.jpg", seed=1))
    assert (one.hash ^ other.hash).bit_count() <= 3
    assert (one.hash ^ another.hash).bit_count() > 7


def test_files_that_are_no_images_are_errors_in_their_place(tmp_path):
    good = write(tmp_path / "good.jpg")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8 nothing")
    small = write(tmp_path / "small.png", (8, 8))
    found = list(probe_images([good, bad, tmp_path / "none.jpg", small]))
    assert found[0].path == good
    assert [isinstance(item, SourceError) for item in found] == [False, True, True, True]
