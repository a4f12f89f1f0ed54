from __future__ import annotations

import pytest

from device.errors import SinkError
from device.images import read_image
from device.outputs.image_file import ImageFileSink
from tests.device.conftest import make_outcome, names_in


def test_picture_is_written_where_it_is_told_with_its_folder(tmp_path, noise, capsys):
    path = tmp_path / "new" / "cat.png"
    with ImageFileSink(path) as sink:
        sink.write(make_outcome(0, noise))
    assert (read_image(path) == noise).all()
    assert names_in(path.parent) == ["cat.png"]
    assert capsys.readouterr().err == f"drawn in {path}\n"


def test_later_picture_replaces_the_earlier_one(tmp_path, noise):
    path = tmp_path / "cat.png"
    sink = ImageFileSink(path)
    sink.write(make_outcome(0, noise))
    sink.write(make_outcome(1, noise[:20]))
    assert read_image(path).shape == noise[:20].shape


def test_place_that_a_folder_has_is_one_line(tmp_path, noise):
    (tmp_path / "cat.png").mkdir()
    with pytest.raises(SinkError, match=r"cat\.png: Is a directory; choose another file$"):
        ImageFileSink(tmp_path / "cat.png").write(make_outcome(0, noise))
    assert names_in(tmp_path) == ["cat.png"]


def test_picture_that_opencv_cannot_encode_names_what_can(tmp_path, noise, monkeypatch):
    monkeypatch.setattr("cv2.imencode", lambda *_: (False, None))
    with pytest.raises(SinkError, match=r"cannot write this picture so; try \.png"):
        ImageFileSink(tmp_path / "cat.jp2").write(make_outcome(0, noise))
    assert names_in(tmp_path) == []
