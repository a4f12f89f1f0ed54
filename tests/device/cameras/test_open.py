from __future__ import annotations

import tempfile

import pytest

from device.cameras.base import CameraOptions
from device.cameras.demo import DemoCamera
from device.cameras.files import ImageReader, VideoReader
from device.cameras.open import open_camera
from device.errors import SourceError, UsageError
from tests.device.test_images import JPEG, PNG


def test_source_is_opened_by_what_it_is(tmp_path, video, small_bundle):
    folder = small_bundle / "samples"
    (tmp_path / "a.jpg").write_bytes(PNG)  # what it holds counts, not its name
    (tmp_path / "a").write_bytes(JPEG)
    samples = sorted((small_bundle / "samples").iterdir())
    kinds = {
        "demo": DemoCamera,
        str(folder): ImageReader,
        str(video): VideoReader,
        str(tmp_path / "a.jpg"): ImageReader,
        str(tmp_path / "a"): ImageReader,
    }
    for source, kind in kinds.items():
        with open_camera(source, samples, pytest.fail) as camera:
            assert type(camera) is kind
            assert len(list(camera.frames(limit=1))) == 1


def test_asking_the_demo_for_a_rate_is_wrong_usage():
    with pytest.raises(UsageError, match=r"^--fps: demo comes as it is"):
        open_camera("demo", [], pytest.fail, CameraOptions(fps=5.0))


def test_file_below_dev_is_no_camera():
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".png") as file:
        file.write(PNG)
        file.flush()
        with open_camera(file.name, [], pytest.fail) as camera:
            assert next(camera.frames()).size_wh == (40, 32)


@pytest.mark.parametrize("name", ["text.mp4", "text.avi", "clip_0001.mp4"])
def test_text_named_like_a_video_is_an_error(tmp_path, name):
    (tmp_path / name).write_text("hello " * 100)
    with pytest.raises(SourceError, match="neither a picture nor a video"):
        open_camera(str(tmp_path / name), [], pytest.fail)


@pytest.mark.parametrize("name", ["empty.mp4", "empty.jpg", "empty"])
def test_empty_file_is_an_error(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match="empty file"):
        list(open_camera(str(tmp_path / name), [], pytest.fail).frames())


def test_missing_source_is_an_error():
    with pytest.raises(SourceError, match="no such file or folder"):
        open_camera("nowhere.mp4", [], pytest.fail)


def test_one_bad_picture_is_an_error(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG[:-30])
    with pytest.raises(SourceError, match=r"a\.jpg: truncated picture"):
        list(open_camera(str(tmp_path / "a.jpg"), [], pytest.fail).frames())


@pytest.mark.parametrize("source", ["ftp://host/video.mp4", "gopher://camera"])
def test_unknown_scheme_is_wrong_usage(source):
    with pytest.raises(UsageError, match=f"--source {source}: {source.split(':')[0]}:// is not"):
        open_camera(source, [], pytest.fail)


@pytest.mark.parametrize("source", ["picamera:one", "picamera:-1", "picamera:"])
def test_camera_number_that_is_none_is_wrong_usage(source):
    with pytest.raises(UsageError, match=f"--source {source}: expected is picamera, or picamera:1"):
        open_camera(source, [], pytest.fail)


@pytest.mark.parametrize(
    ("options", "flag"), [({"size_wh": (640, 480)}, "--size"), ({"fps": 5.0}, "--fps")]
)
def test_asking_of_a_file_what_it_cannot_give_is_wrong_usage(video, options, flag):
    for source in (str(video), str(video.parent), "rtsp://bob:pw@host/", "http://bob:pw@host/"):
        with pytest.raises(UsageError, match=f"^{flag}: .* comes as it is") as caught:
            open_camera(source, [], pytest.fail, CameraOptions(**options))
        assert "pw" not in str(caught.value)


def test_text_file_is_not_played_as_a_terminal(tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n" * 200)
    with pytest.raises(SourceError, match="a text file, not a video"):
        open_camera(str(tmp_path / "notes.txt"), [], pytest.fail)
