from __future__ import annotations

import cv2
import numpy as np
import pytest

from device.errors import SinkError
from device.images import encode_jpeg, read_image
from device.outputs import retention
from device.outputs.image_folder import ImageFolderSink
from tests.device.conftest import make_outcome, names_in


def test_picture_folder_names_pictures_by_number_and_source(tmp_path, noise):
    with ImageFolderSink(tmp_path / "new" / "out") as sink:
        sink.write(make_outcome(0, noise, name="cat.png"))
        sink.write(make_outcome(1, noise, name="cat.jpg"))
        sink.write(make_outcome(12, noise))
    names = names_in(tmp_path / "new" / "out")
    assert names == ["000000_cat.jpg", "000001_cat.jpg", "000012.jpg"]
    for name in names:
        assert read_image(tmp_path / "new" / "out" / name).shape == noise.shape


def test_folder_says_where_its_one_picture_or_its_pictures_lie(tmp_path, noise, capsys):
    sink = ImageFolderSink(tmp_path)
    sink.close()
    assert capsys.readouterr().err == ""  # nothing was drawn
    for names, place in ((["cat"], tmp_path / "000000_cat.jpg"), (["cat", "dog"], tmp_path)):
        with ImageFolderSink(tmp_path) as sink:
            for number, name in enumerate(names):
                sink.write(make_outcome(number, noise, name=name))
        sink.close()
        assert capsys.readouterr().err == f"drawn in {place}\n"


def test_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    sink = ImageFolderSink(tmp_path / "out")
    (tmp_path / "out" / "000000.jpg").mkdir()
    with pytest.raises(SinkError, match=r"000000\.jpg: Is a directory"):
        sink.write(make_outcome())
    assert names_in(tmp_path / "out") == ["000000.jpg"]
    sink.close()
    sink.close()


def test_encoded_picture_looks_like_the_original(tmp_path, noise):
    smooth = cv2.resize(noise[:6, :8], (64, 48), interpolation=cv2.INTER_CUBIC)
    ImageFolderSink(tmp_path).write(make_outcome(0, smooth))
    written = read_image(tmp_path / "000000.jpg")
    assert np.abs(written.astype(int) - smooth).mean() < 8


def test_quota_removes_the_oldest_of_this_run_alone(tmp_path, noise):
    size = len(encode_jpeg(noise))
    (tmp_path / "000000_holiday.jpg").write_bytes(b"mine" * 10_000)
    with ImageFolderSink(tmp_path, 3 * size + size // 2) as sink:
        for index in range(8):
            sink.write(make_outcome(index, noise))
    assert names_in(tmp_path) == [
        "000000_holiday.jpg",
        "000005.jpg",
        "000006.jpg",
        "000007.jpg",
    ]


def test_full_disk_is_an_error_and_leaves_whole_pictures(small_disk, monkeypatch, noise):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 0)
    image = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_NEAREST)
    sink = ImageFolderSink(small_disk)
    with pytest.raises(SinkError, match="No space left on device"):
        for index in range(100):
            sink.write(make_outcome(index, image))
    names = names_in(small_disk)
    assert len(names) > 2
    for name in names:
        assert read_image(small_disk / name).shape == image.shape


def test_quota_keeps_a_run_going_on_a_full_disk(small_disk, monkeypatch, noise, capsys):
    monkeypatch.setattr(retention, "MIN_FREE_BYTES", 500_000)
    image = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_NEAREST)
    with ImageFolderSink(small_disk, 1 << 30) as sink:
        for index in range(50):
            sink.write(make_outcome(index, image))
    assert names_in(small_disk)[-1] == "000049.jpg"
    told = f"{small_disk}: the disk is nearly full, the oldest go\ndrawn in {small_disk}\n"
    assert capsys.readouterr().err == told


def test_second_run_into_one_folder_is_refused(tmp_path, noise):
    with ImageFolderSink(tmp_path) as first:
        with pytest.raises(SinkError, match="another run is writing into it"):
            ImageFolderSink(tmp_path)
        first.write(make_outcome(0, noise))
    ImageFolderSink(tmp_path).close()
    assert names_in(tmp_path) == ["000000.jpg"]
