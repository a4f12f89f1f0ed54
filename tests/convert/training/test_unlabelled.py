from __future__ import annotations

import pytest

from convert.errors import DatasetError
from convert.training.unlabelled import unlabelled_images
from tests.convert.training.shapes import draw_dataset


@pytest.fixture
def dataset(tmp_path):
    return draw_dataset(tmp_path / "images", train=3, others=1)


def test_images_that_are_judged_on_are_not_learnt_from(dataset, tmp_path):
    found = unlabelled_images(
        tmp_path / "images", (*dataset.validation, *dataset.test), pytest.fail
    )
    assert [image.path for image in found] == [image.path for image in dataset.train]
    assert {(image.width, image.height, len(image.boxes)) for image in found} == {(128, 128, 0)}


def test_image_that_cannot_be_read_is_left_out_and_told(dataset, tmp_path):
    (tmp_path / "images" / "bad.jpg").write_bytes(b"none")
    said: list[str] = []
    assert len(unlabelled_images(tmp_path / "images", (), said.append)) == 5
    assert "bad.jpg" in said[0]


@pytest.mark.parametrize(("place", "why"), [("gone", "no such folder"), (".", "no images")])
def test_folder_without_any_is_refused(place, why, tmp_path):
    with pytest.raises(DatasetError, match=why):
        unlabelled_images(tmp_path / place, (), pytest.fail)
