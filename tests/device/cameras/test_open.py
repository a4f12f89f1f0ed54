from __future__ import annotations

import io
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from device.cameras.base import CameraOptions
from device.cameras.demo import DemoCamera
from device.cameras.files import ImageReader
from device.cameras.open import open_camera
from device.cameras.video import VideoReader
from device.errors import SourceError, UsageError
from tests.device.conftest import encode
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


def write_animation(path: Path, codec: str, pixel_format: str) -> Path:
    """Six frames of 64x48, brighter and brighter, at 10 a second."""
    with av.open(str(path), "w", format=codec) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for shade in range(0, 120, 20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), "rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode())
    return path


def jpegs(count: int) -> bytes:
    return b"".join(
        encode(np.full((48, 64, 3), 20 * number, np.uint8), ".jpg") for number in range(count)
    )


def test_file_of_several_pictures_is_played_whole(tmp_path):
    (tmp_path / "camera.mjpeg").write_bytes(jpegs(6))
    paths = [
        write_animation(tmp_path / "a.png", "apng", "rgb24"),
        write_animation(tmp_path / "a.gif", "gif", "rgb8"),
        tmp_path / "camera.mjpeg",
    ]
    for path in paths:
        with open_camera(str(path), [], pytest.fail) as camera:
            shades = [round(frame.pixels.mean()) for frame in camera.frames()]
        assert shades == pytest.approx(range(0, 120, 20), abs=2), path


def test_every_page_of_a_tiff_is_a_frame(tmp_path):
    pages = [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(4)]
    (tmp_path / "scan.tif").write_bytes(cv2.imencodemulti(".tif", pages)[1].tobytes())
    with open_camera(str(tmp_path / "scan.tif"), [], pytest.fail) as camera:
        frames = list(camera.frames())
    assert [round(frame.pixels.mean()) for frame in frames] == [0, 20, 40, 60]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]


def still_gif(shade: int) -> bytes:
    """A GIF of one grey picture."""
    image = Image.new("L", (64, 48), shade)
    data = io.BytesIO()
    image.save(data, "GIF")
    return data.getvalue()


def animated_webp() -> bytes:
    first, *others = (Image.new("RGB", (64, 48), (shade,) * 3) for shade in (40, 200))
    data = io.BytesIO()
    first.save(data, "WEBP", save_all=True, append_images=others, lossless=True)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "first", "said"),
    [
        ("a.jpg", jpegs(6), 0, "the first of 6 pictures in it; for all of them name it .mjpeg"),
        ("a.webp", animated_webp(), 40, "the first of 2 pictures in it; for all of them make a"),
    ],
)
def test_first_of_several_pictures_is_taken_and_said(tmp_path, name, data, first, said):
    (tmp_path / name).write_bytes(data)
    told: list[str] = []
    with open_camera(str(tmp_path / name), [], told.append) as camera:
        (frame,) = camera.frames()
    assert round(frame.pixels.mean()) == first
    assert len(told) == 1
    assert told[0].startswith(f"{tmp_path / name}: {said}")


def test_gif_among_pictures_is_seen_by_its_first_which_is_said(tmp_path):
    write_animation(tmp_path / "a.gif", "gif", "rgb8")
    (tmp_path / "b.gif").write_bytes(still_gif(120))
    told: list[str] = []
    for source in (str(tmp_path), f"{tmp_path}/*.gif"):
        with open_camera(source, [], told.append) as camera:
            shades = [round(frame.pixels.mean()) for frame in camera.frames()]
        assert shades == pytest.approx([0, 120], abs=2)
    line = f"{tmp_path / 'a.gif'}: the first of 6 pictures in it; for all of them give it to"
    assert [text.startswith(line) for text in told] == [True, True]


def test_gif_that_is_damaged_is_an_error_not_a_frame(tmp_path):
    for name in ("a.gif", "b.gif"):
        (tmp_path / name).write_bytes(still_gif(120)[:20])
    told: list[str] = []
    with (
        open_camera(str(tmp_path), [], told.append) as camera,
        pytest.raises(SourceError, match="none of the 2 pictures"),
    ):
        list(camera.frames())
    assert len(told) == 2


@pytest.mark.parametrize(("pages", "length"), [(1, 1), (3, 3)])
def test_length_of_a_tiff_is_its_pages(tmp_path, pages, length):
    images = [np.full((48, 64, 3), 20, np.uint8)] * pages
    (tmp_path / "scan.tif").write_bytes(cv2.imencodemulti(".tif", images)[1].tobytes())
    with open_camera(str(tmp_path / "scan.tif"), [], pytest.fail) as camera:
        assert camera.length == length


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo.HEIC", "HEIC, as iPhones take it"),
        ("photo.AVIF", "AVIF, which OpenCV does not decode here"),
        ("best.pt", "a model, not something to look at"),
        ("detect.tflite", "it is named before --source"),
        ("notes.txt", "a text file, not a video or a picture"),
    ],
)
def test_file_that_is_no_source_is_called_what_it_is(tmp_path, name, expected):
    (tmp_path / name).write_bytes(b"whatever it holds")
    with pytest.raises(SourceError, match=expected):
        open_camera(str(tmp_path / name), [], print)


@pytest.mark.parametrize("target", ["gone.mp4", "link.mp4"])
def test_link_that_leads_nowhere_is_said_to_be_one(tmp_path, target):
    link = tmp_path / "link.mp4"
    link.symlink_to(target)
    with pytest.raises(SourceError, match=rf"link\.mp4: a link to {target}, where nothing is"):
        open_camera(str(link), [], print)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("holidy.mp4", "holiday.mp4"), ("holiday.mp5", "holiday.mp4"), ("garden", "")],
)
def test_missing_file_names_the_one_that_is_called_most_like_it(tmp_path, typed, expected):
    (tmp_path / "holiday.mp4").touch()
    with pytest.raises(SourceError, match="no such file or folder") as refused:
        open_camera(str(tmp_path / typed), [], print)
    assert str(refused.value).endswith(f"did you mean {tmp_path / expected}?") == bool(expected)


def test_missing_folder_names_nothing(tmp_path):
    with pytest.raises(SourceError, match=r"no such file or folder$"):
        open_camera(str(tmp_path / "nowhere" / "holiday.mp4"), [], print)


def test_pattern_is_the_pictures_that_it_matches_in_order(tmp_path):
    for name in ("b.jpg", "a.jpg", "c.png"):
        (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "folder.jpg").mkdir()
    with open_camera(f"{tmp_path}/*.jpg", [], print) as camera:
        assert [frame.name for frame in camera.frames()] == ["a.jpg", "b.jpg"]


def test_pattern_that_matches_nothing_says_so(tmp_path):
    with pytest.raises(SourceError, match=r"\*\.jpg: no file matches this pattern"):
        open_camera(f"{tmp_path}/*.jpg", [], print)


def test_pattern_passes_over_what_is_no_picture_and_says_so(tmp_path):
    for name in ("a.jpg", "notes.txt", "phone.heic"):
        (tmp_path / name).write_bytes(JPEG)
    told: list[str] = []
    with open_camera(f"{tmp_path}/*", [], told.append) as camera:
        assert [frame.name for frame in camera.frames()] == ["a.jpg"]
    assert told == [f"{tmp_path}/*: 1 picture; passed over: 1 .heic, 1 .txt"]


def test_pattern_of_other_files_says_what_it_matches(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"whatever it holds")
    with pytest.raises(SourceError, match=r"txt: matches no pictures .*; passed over: 1 \.txt"):
        open_camera(f"{tmp_path}/*.txt", [], print)


@pytest.mark.parametrize(("brand", "kind"), [(b"heic", "HEIC"), (b"avif", "AVIF")])
def test_photograph_of_a_phone_called_jpg_is_called_what_it_is(tmp_path, brand, kind):
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + bytes(99))
    with pytest.raises(SourceError, match=rf"a\.jpg: {kind}, "):
        open_camera(str(tmp_path / "a.jpg"), [], print)


def test_file_whose_name_is_a_pattern_is_that_file(tmp_path):
    (tmp_path / "[1].jpg").write_bytes(JPEG)
    (tmp_path / "1.jpg").write_bytes(JPEG)
    with open_camera(f"{tmp_path}/[1].jpg", [], print) as camera:
        assert [frame.name for frame in camera.frames()] == ["[1].jpg"]
