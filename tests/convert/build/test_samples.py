from __future__ import annotations

import numpy as np
import pytest

from convert.build.samples import WIDEST, write_sample, write_samples
from convert.catalogue import Photographs, catalogue
from convert.errors import CalibrationError
from device.images import read_image


def test_wide_picture_is_made_small_and_keeps_its_shape(tmp_path):
    write_sample(tmp_path / "wide.jpg", np.full((300, 1280, 3), 90, np.uint8))
    assert read_image(tmp_path / "wide.jpg").shape == (150, WIDEST, 3)


def test_small_picture_keeps_its_size_and_nearly_its_pixels(tmp_path):
    pixels = np.full((48, 64, 3), (30, 90, 160), np.uint8)
    write_sample(tmp_path / "small.jpg", pixels)
    written = read_image(tmp_path / "small.jpg")
    assert written.shape == pixels.shape
    assert np.abs(written.astype(int) - pixels).max() <= 3


def test_photographs_that_show_a_class_are_written_under_its_name(tmp_path):
    samples = write_samples(tmp_path)
    shown = [item for item in catalogue().calibration["photographs"].images if item.shows]
    assert [item.file for item in samples] == [f"samples/{item.shows}.jpg" for item in shown]
    assert [item.licence for item in samples] == [item.licence for item in shown]
    assert all(item.source and not item.detections for item in samples)
    for item in samples:
        assert read_image(tmp_path / item.file).shape[1] <= WIDEST
        assert (tmp_path / item.file).stat().st_size < 150_000


def test_photographs_that_are_not_here_are_an_error(tmp_path, monkeypatch):
    def path(self, image):
        raise CalibrationError("scikit-image is not installed")

    monkeypatch.setattr(Photographs, "path", path)
    with pytest.raises(CalibrationError, match="scikit-image"):
        write_samples(tmp_path)
