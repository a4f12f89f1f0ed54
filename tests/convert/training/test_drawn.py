from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.training.dataset import read_dataset
from convert.training.drawn import CLASSES, SIDE, draw_dataset, main
from device.images import read_image


def test_drawn_dataset_is_read_as_it_was_drawn(tmp_path):
    draw_dataset(tmp_path, train=30, test=5)
    dataset = read_dataset(tmp_path, 0, lambda _: None)
    assert set(dataset.classes) == set(CLASSES)
    assert len(dataset.test) == 5
    assert len(dataset.train) + len(dataset.validation) == 30
    for image in dataset.train:
        assert (image.width, image.height) == (SIDE, SIDE)
        assert ((image.boxes >= 0) & (image.boxes <= SIDE)).all()


def test_drawing_is_the_same_each_time(tmp_path):
    for name in ("one", "other"):
        draw_dataset(tmp_path / name, train=1, test=0)
    one, other = (read_image(tmp_path / name / "train/0000.jpg") for name in ("one", "other"))
    assert np.array_equal(one, other)


def test_as_many_are_drawn_as_the_command_asks_for(tmp_path):
    main([str(tmp_path), "--train", "3", "--test", "2"])
    drawn = {name: len(list((tmp_path / name).glob("*.xml"))) for name in ("train", "test")}
    assert drawn == {"train": 3, "test": 2}


def test_large_shapes_fill_their_boxes_and_two_fifths_of_the_sides_or_more(tmp_path):
    main([str(tmp_path), "--train", "12", "--test", "1", "--large"])
    for image in read_dataset(tmp_path, 0, lambda _: None).train:
        ((left, top, right, bottom),) = image.boxes
        assert min(right - left, bottom - top) >= 0.4 * SIDE - 1
        assert max(right - left, bottom - top) <= 0.9 * SIDE
        middle = int(left + right) // 2, int(top + bottom) // 2
        alike = (25, 25, 25)  # what JPEG may change
        fixed = cv2.FLOODFILL_FIXED_RANGE
        _, _, _, filled = cv2.floodFill(
            read_image(image.path).copy(), None, middle, 0, alike, alike, fixed
        )
        x, y, width, height = filled
        assert np.abs(np.array([x, y, x + width, y + height]) - image.boxes[0]).max() <= 4


def test_folder_that_holds_others_files_is_left_as_it_is(tmp_path):
    mine = tmp_path / "train" / "0003.jpg"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(SystemExit, match=r"0003\.jpg: draw into an empty folder"):
        main([str(tmp_path), "--train", "3", "--test", "2"])
    assert [path.name for path in tmp_path.rglob("*.*")] == ["0003.jpg"]


def test_drawing_again_changes_nothing(tmp_path):
    for _ in range(2):
        main([str(tmp_path), "--train", "1", "--test", "1"])
    assert len(list(tmp_path.rglob("*.*"))) == 4


@pytest.mark.parametrize("flag", ["--train", "--test"])
def test_no_images_are_wrong_usage(flag, tmp_path):
    with pytest.raises(SystemExit) as error:
        main([str(tmp_path), flag, "0"])
    assert error.value.code == 2
