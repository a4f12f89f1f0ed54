from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.errors import DatasetError
from convert.training import image_store
from convert.training.checkpoint import FILE
from convert.training.dataset import TrainingImage
from convert.training.image_store import ImageStore


def write_images(folder, shapes):
    images = []
    for number, (height, width) in enumerate(shapes):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((height, width, 3), 10 + 20 * number, np.uint8))
        nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, bool)
        images.append(TrainingImage(path, *nothing, width, height))
    return images


def test_large_image_is_kept_at_twice_the_input(tmp_path):
    images = write_images(tmp_path, [(300, 600), (50, 80)])
    store = ImageStore(images, tmp_path / "work", 96, pytest.fail)
    assert store.read(0).shape == (96, 192, 3)
    assert store.read(1).shape == (50, 80, 3)


def test_image_is_the_same_when_its_file_is_gone_later(tmp_path):
    images = write_images(tmp_path, [(300, 600)])
    before = ImageStore(images, tmp_path / "work", 96, pytest.fail).read(0)
    images[0].path.unlink()
    assert (ImageStore(images, tmp_path / "work", 96, pytest.fail).read(0) == before).all()


def test_image_added_before_another_does_not_take_its_copy(tmp_path):
    images = write_images(tmp_path, [(50, 60), (50, 60)])
    before = ImageStore(images[1:], tmp_path / "work", 96, pytest.fail).read(0)
    store = ImageStore(images, tmp_path / "work", 96, pytest.fail)
    assert (store.read(1) == before).all()
    assert (store.read(0) != before).any()


def test_image_that_vanished_is_told_once_and_the_next_stands_in(tmp_path):
    images = write_images(tmp_path, [(50, 60), (50, 60)])
    images[0].path.unlink()
    said: list[str] = []
    store = ImageStore(images, tmp_path / "work", 96, said.append)
    assert store.read_with_number(0)[0] == 1
    assert store.read_with_number(0)[0] == 1
    assert len(said) == 1
    assert "0.png" in said[0]


def test_nothing_left_to_read_is_an_error(tmp_path):
    images = write_images(tmp_path, [(50, 60)])
    images[0].path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="not one"):
        ImageStore(images, tmp_path / "work", 96, lambda _: None).read(0)


def test_full_disk_before_the_first_checkpoint_does_not_advise_to_resume(tmp_path, monkeypatch):
    advice: list[str] = []
    monkeypatch.setattr(image_store, "write_whole", lambda path, data, said: advice.append(said))
    images = write_images(tmp_path, [(50, 60)])
    store = ImageStore(images, tmp_path / "work", 96, pytest.fail)
    store.read(0)
    (tmp_path / "work" / FILE).write_bytes(b"")
    store.read(0)
    assert [said.rpartition("then ")[2] for said in advice] == [
        "begin again",
        "go on with --resume",
    ]
