from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cameras.base import CameraOptions
from device.cameras.demo import DemoCamera
from device.cameras.files import Images, VideoFile
from device.cameras.open import open_camera
from device.errors import SourceError, UsageError
from device.images import list_images, read_image
from tests.device.conftest import cut, encode, write_video

COUNT = 12  # frames of every camera here that ends


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Twelve flat grey pictures, of several kinds and two sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(COUNT):
        size = (48, 64, 3) if index % 2 else (32, 32, 3)
        ending = (".jpg", ".png", ".bmp", ".tif")[index % 4]
        pixels = np.full(size, 20 * index, np.uint8)
        (folder / f"{index:02}{ending}").write_bytes(encode(pixels, ending))
    return folder


def test_video_serves_every_frame_in_order(video):
    camera = VideoFile(video)
    frames = list(camera.frames())
    assert [round(frame.pixels.mean()) for frame in frames] == pytest.approx(
        [20 * index for index in range(COUNT)], abs=2
    )
    assert {frame.name for frame in frames} == {"grey.avi"}
    assert camera.fps == 10.0


def test_video_cut_in_the_middle_serves_what_is_there_then_fails(tmp_path):
    path = cut(write_video(tmp_path / "cut.avi", 30, (320, 240)), 0.5)
    camera, seen = VideoFile(path), 0
    with pytest.raises(SourceError, match=r"cut\.avi: ends after \d+ of 30 frames.*damaged"):
        for frame in camera.frames():
            assert round(frame.pixels.mean()) == pytest.approx(20 * seen % 256, abs=2)
            seen += 1
    assert 5 < seen < 25


def test_limit_within_a_cut_video_is_no_failure(tmp_path):
    path = cut(write_video(tmp_path / "cut.avi", 30, (320, 240)), 0.5)
    assert len(list(VideoFile(path).frames(limit=3))) == 3


def test_video_without_a_frame_is_an_error(tmp_path):
    header = cut(write_video(tmp_path / "header.avi", 30), 0.01)
    with pytest.raises(SourceError, match=r"header\.avi: "):
        list(VideoFile(header).frames())


def test_pictures_come_in_order_of_their_names(folder):
    frames = list(Images.of_folder(folder, pytest.fail).frames())
    assert [frame.name for frame in frames] == sorted(path.name for path in folder.iterdir())
    assert [round(frame.pixels.mean()) for frame in frames] == [20 * i for i in range(COUNT)]


def test_pictures_in_subfolders_are_found_and_other_files_are_not(tmp_path, noise):
    for name in ("b/2.PNG", "a/1.jpg", "c.jpeg", "notes.txt", "clip.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(noise, ".png"))
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a/1.jpg", "b/2.PNG", "c.jpeg"]


def test_bad_picture_among_good_ones_is_reported_and_skipped(tmp_path, noise):
    (tmp_path / "1.jpg").write_bytes(encode(noise, ".jpg"))
    (tmp_path / "2.jpg").write_bytes(b"not a picture")
    (tmp_path / "3.jpg").write_bytes(encode(noise, ".jpg"))
    said: list[str] = []
    frames = list(Images.of_folder(tmp_path, said.append).frames())
    assert [(frame.index, frame.name) for frame in frames] == [(0, "1.jpg"), (1, "3.jpg")]
    assert len(said) == 1
    assert said[0].startswith(f"skipped: {tmp_path / '2.jpg'}: ")


def test_bad_pictures_alone_are_an_error(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(b"not a picture")
    said: list[str] = []
    with pytest.raises(SourceError, match="none of the 2 pictures"):
        list(Images.of_folder(tmp_path, said.append).frames())
    assert len(said) == 2


def test_folder_without_pictures_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"no pictures in this folder \(jpg, png, bmp, tif\)"):
        Images.of_folder(tmp_path, pytest.fail)


def with_thumbnail(jpeg: bytes) -> bytes:
    """The picture with itself as a thumbnail inside, as cameras do it."""
    segment = b"\xff\xe1" + (len(jpeg) + 2).to_bytes(2, "big") + jpeg
    return jpeg[:2] + segment + jpeg[2:]


JPEG = encode(np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8), ".jpg")
PROGRESSIVE = cv2.imencode(
    ".jpg",
    np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8),
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
)[1].tobytes()
PNG = encode(np.random.default_rng(3).integers(0, 256, (32, 40, 3), np.uint8), ".png")
BMP = encode(np.zeros((32, 40, 3), np.uint8), ".bmp")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture"),
        (JPEG[: len(JPEG) // 2], "truncated picture"),
        (JPEG[:-2], "truncated picture"),
        (JPEG[:10], "truncated picture"),
        (PROGRESSIVE[: len(PROGRESSIVE) // 2], "truncated picture"),
        (with_thumbnail(JPEG)[:-20], "truncated picture"),
        (PNG[: len(PNG) // 2], "truncated picture"),
        (PNG[:-4], "truncated picture"),
        (BMP[: len(BMP) // 2], "not a picture"),
        (encode(np.zeros((1, 1, 3), np.uint8), ".png"), "1x1 pixels, at least 16x16"),
        (encode(np.zeros((15, 400, 3), np.uint8), ".png"), "400x15 pixels"),
    ],
)
def test_bad_picture_says_what_is_wrong_with_it(tmp_path, data, said):
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_picture_and_folder_are_source_errors(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.jpg: No such file"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(SourceError, match="Is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        PROGRESSIVE,
        with_thumbnail(JPEG),
        JPEG + bytes(500) + b"ftypmp42 \xff\xda of a motion photo",
        PNG + bytes(500),
        encode(np.zeros((16, 16, 3), np.uint8), ".png"),
    ],
    ids=["jpeg", "progressive", "thumbnail", "motion-photo", "png-and-more", "smallest"],
)
def test_whole_picture_is_read(tmp_path, data):
    path = tmp_path / "good"
    path.write_bytes(data)
    pixels = read_image(path)
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 4)], ids=["grey", "alpha"])
def test_grey_and_transparent_pictures_become_three_channels(tmp_path, shape):
    (tmp_path / "a.png").write_bytes(encode(np.full(shape, 99, np.uint8), ".png"))
    pixels = read_image(tmp_path / "a.png")
    assert pixels.shape == (20, 30, 3)
    assert (pixels == 99).all()


def test_picture_is_turned_upright(tmp_path):
    """EXIF orientation 6: the camera was held upright, rows are stored as columns."""
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tiff
    jpeg = encode(np.zeros((20, 60, 3), np.uint8), ".jpg")
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    assert read_image(tmp_path / "a.jpg").shape == (60, 20, 3)


@settings(max_examples=100, deadline=None)
@given(
    data=st.sampled_from([JPEG, PROGRESSIVE, PNG, BMP, with_thumbnail(JPEG)]),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20),
    length=st.sampled_from([1.0]) | st.floats(0, 1),
)
def test_any_damage_gives_a_picture_or_a_source_error(tmp_path_factory, data, edits, length):
    damaged = bytearray(data)
    for position, byte in edits:
        damaged[int(position * len(damaged))] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(damaged[: int(length * len(damaged))])
    try:
        pixels = read_image(path)
    except SourceError:
        return
    assert pixels.dtype == np.uint8
    assert min(pixels.shape[:2]) >= 16


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([JPEG, PROGRESSIVE, PNG, with_thumbnail(JPEG)]), st.floats(0, 1))
def test_picture_cut_anywhere_is_rejected(tmp_path_factory, data, length):
    path = tmp_path_factory.getbasetemp() / "cut.jpg"
    path.write_bytes(data[: int(length * (len(data) - 1))])
    with pytest.raises(SourceError):
        read_image(path)


def test_source_is_opened_by_what_it_is(tmp_path, folder, video, small_bundle):
    (tmp_path / "a.jpg").write_bytes(PNG)  # what it holds counts, not its name
    (tmp_path / "a").write_bytes(JPEG)
    samples = sorted((small_bundle / "samples").iterdir())
    kinds = {
        "demo": DemoCamera,
        str(folder): Images,
        str(video): VideoFile,
        str(tmp_path / "a.jpg"): Images,
        str(tmp_path / "a"): Images,
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
