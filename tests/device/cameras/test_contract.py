"""What holds for every source, and for every live one, over all that can be had here.

V4L2 is among them where the kernel's test camera is: see tests/emulated/v4l2/run.sh.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.cameras.base import Camera, CameraOptions
from device.cameras.demo import DemoCamera
from device.cameras.files import ImageReader
from device.cameras.iterable import IterableCamera
from device.cameras.mjpeg import MjpegCamera
from device.cameras.picamera import PicameraCamera
from device.cameras.rtsp import RtspCamera
from device.cameras.url import CameraUrl
from device.cameras.v4l2 import V4l2Camera
from device.cameras.video import VideoReader
from device.cameras.video_folder import VideoFolder
from device.errors import SourceError
from tests.device.cameras.test_v4l2 import TEST_CAMERA, press
from tests.device.conftest import encode
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.network_cameras import MjpegServer, RtspServer
from tests.helpers.scene import LAYOUT, corners, laid_down, layout, shade
from tests.helpers.simulated_picamera import simulated_picamera

COUNT = 12  # frames of every source here that ends
RECORDED = ("video", "videos", "pictures", "fake")
LIVE = ("picamera-vc4", "picamera-pisp", "mjpeg", "rtsp") + ("v4l2",) * bool(TEST_CAMERA)


def nothing() -> None:
    """For sources that cannot be unplugged."""


@dataclass
class Source:
    """How to get a camera of one kind."""

    make: Callable[[CameraOptions], Camera]
    unplug: Callable[[], None] = nothing
    plug_in: Callable[[], None] = nothing
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    """A video and a folder of pictures, lossless, of twelve frames."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "pictures").mkdir()
    writer = cv2.VideoWriter(str(folder / "a.avi"), cv2.VideoWriter.fourcc(*"FFV1"), 10, (160, 120))
    for number in range(COUNT):
        writer.write(corners(number))
        (folder / "pictures" / f"{number:02}.png").write_bytes(encode(corners(number), ".png"))
    writer.release()
    return folder


def make_source(kind: str, recordings: Path, stack: contextlib.ExitStack) -> Source:
    said: list[str] = []
    if kind == "video":
        return Source(lambda options: VideoReader(recordings / "a.avi", options))
    if kind == "videos":
        return Source(lambda options: VideoFolder([recordings / "a.avi"], said.append, options))
    if kind == "pictures":
        folder = recordings / "pictures"
        return Source(lambda options: ImageReader.of_folder(folder, pytest.fail, options))
    if kind == "fake":
        return Source(lambda options: IterableCamera(map(corners, range(COUNT)), options=options))
    if kind == "demo":
        return Source(lambda options: DemoCamera([corners(0)], options))
    if kind == "v4l2":
        device = TEST_CAMERA
        return Source(
            lambda options: V4l2Camera(device, replace(options, size_wh=(320, 180)), said.append),
            lambda: press(device, "Disconnect"),
            said=said,
        )
    if kind.startswith("picamera"):
        simulation = stack.enter_context(simulated_picamera(kind.removeprefix("picamera-").upper()))

        def unplug() -> None:
            simulation.silent, simulation.count = True, 0

        def plug_in() -> None:
            simulation.silent, simulation.count = False, 1

        return Source(
            lambda options: PicameraCamera(0, options, said.append), unplug, plug_in, said
        )
    server = stack.enter_context({"mjpeg": MjpegServer, "rtsp": RtspServer}[kind]())
    kind_of_camera = {"mjpeg": MjpegCamera, "rtsp": RtspCamera}[kind]
    url = CameraUrl.parse(server.url)
    return Source(
        lambda options: kind_of_camera(url, options, said.append), server.stop, server.start, said
    )


@pytest.fixture
def source(request, recordings) -> Iterator[Source]:
    with contextlib.ExitStack() as stack:
        yield make_source(request.param, recordings, stack)


@pytest.fixture
def camera(source) -> Iterator[Camera]:
    with source.make(CameraOptions()) as camera:
        yield camera


every = pytest.mark.parametrize("source", [*RECORDED, "demo", *LIVE], indirect=True)
recorded = pytest.mark.parametrize("source", RECORDED, indirect=True)
endless = pytest.mark.parametrize("source", ["demo", *LIVE], indirect=True)
live = pytest.mark.parametrize("source", LIVE, indirect=True)


@every
def test_frames_are_numbered_from_zero_to_the_limit(camera):
    assert [frame.index for frame in camera.frames(limit=COUNT)] == list(range(COUNT))


@recorded
def test_every_frame_is_served_in_order_and_then_it_ends(camera):
    served = [frame.pixels for frame in camera.frames()]
    assert len(served) == COUNT
    assert all(np.array_equal(pixels, corners(n)) for n, pixels in enumerate(served))
    assert not camera.live


@endless
def test_endless_source_goes_on(camera):
    assert len(list(camera.frames(limit=2 * COUNT))) == 2 * COUNT


@every
def test_stop_set_before_the_start_gives_no_frame(camera):
    stop = threading.Event()
    stop.set()
    assert list(camera.frames(stop=stop)) == []


@every
def test_stop_ends_after_the_frame_in_hand(camera):
    stop = threading.Event()
    seen = 0
    for _ in camera.frames(stop=stop):
        seen += 1
        if seen == 4:
            stop.set()
    assert seen == 4


@every
def test_pixels_are_contiguous_bytes_of_three_channels(camera):
    for frame in camera.frames(limit=3):
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.pixels.shape[2] == 3
        assert frame.pixels.flags.c_contiguous
        assert frame.size_wh == (frame.pixels.shape[1], frame.pixels.shape[0])


@every
def test_times_never_go_back_and_are_not_in_the_future(camera):
    last_s = 0.0
    for frame in camera.frames(limit=COUNT):
        assert last_s <= frame.captured_at_s <= time.monotonic()
        assert frame.capture_ms >= 0
        last_s = frame.captured_at_s


@every
def test_frames_do_not_change_when_the_next_are_read(camera):
    frames = camera.frames(limit=6)
    first = next(frames)
    before = first.pixels.copy()
    list(frames)
    assert np.array_equal(first.pixels, before)


@every
def test_close_twice_is_fine_and_no_frames_come_after_it(camera):
    next(camera.frames(limit=1))
    camera.close()
    camera.close()
    with pytest.raises(SourceError, match="closed"):
        next(camera.frames())


@every
def test_context_manager_gives_the_camera_itself_and_closes_it(source):
    with source.make(CameraOptions()) as camera, camera as entered:
        assert entered is camera
        assert len(list(entered.frames(limit=1))) == 1
    with pytest.raises(SourceError, match="closed"):
        next(camera.frames())


@every
@pytest.mark.parametrize(
    ("rotate", "flip"), [(0, None), (90, None), (180, "horizontal"), (270, "vertical")]
)
def test_frames_are_turned_and_mirrored(source, rotate, flip):
    with source.make(CameraOptions(rotate=rotate, flip=flip)) as camera:
        frame = next(camera.frames())
    width, height = frame.size_wh
    assert (height > width) == (rotate in (90, 270))
    if not isinstance(camera, V4l2Camera):  # its scene is another
        assert np.array_equal(layout(frame.pixels), laid_down(LAYOUT, rotate, flip))
    assert frame.pixels.flags.c_contiguous


@live
def test_live_camera_never_serves_a_frame_twice(camera):
    frames = list(camera.frames(limit=COUNT))
    assert camera.live
    assert len({frame.captured_at_s for frame in frames}) == COUNT
    shades = [shade(frame.pixels) for frame in frames]
    if not isinstance(camera, V4l2Camera):  # its scene is another
        assert all(abs(a - b) > 2 for a, b in itertools.pairwise(shades))


@live
def test_live_camera_that_goes_away_is_waited_for(source):
    with source.make(CameraOptions(frozen_s=1.0)) as camera:
        frames = camera.frames()
        for _ in range(3):
            next(frames)
        asked = list(source.said)
        source.unplug()

        def plug_in_when_lost() -> None:
            wait_until(lambda: len(source.said) > len(asked))
            source.plug_in()

        back = threading.Thread(target=plug_in_when_lost)
        back.start()
        before_s = time.monotonic()
        back_again = next(frame for frame in frames if "back after" in "".join(source.said))
        assert back_again.captured_at_s > before_s
        assert next(frames).index == back_again.index + 1 >= 4
        back.join()
    lost, found, *_ = source.said[len(asked) :]
    assert lost.startswith(f"lost {camera.name}: ")
    assert lost.endswith("; trying again until it is back")
    assert found.startswith(f"{camera.name}: back after ")


@live
def test_stop_ends_a_camera_that_is_waited_for(source):
    stop = threading.Event()
    with source.make(CameraOptions(frozen_s=1.0)) as camera:
        next(camera.frames())
        source.unplug()
        asked = len(source.said)
        thread = threading.Thread(target=lambda: list(camera.frames(stop=stop)))
        thread.start()
        wait_until(lambda: len(source.said) > asked)
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    source.plug_in()


@live
def test_live_camera_that_is_gone_too_long_is_given_up(source):
    with source.make(CameraOptions(frozen_s=1.0, give_up_s=0)) as camera:
        frames = camera.frames()
        next(frames)
        source.unplug()
        with pytest.raises(SourceError, match=r"; given up after 0 s$"):
            list(frames)
    assert not any("trying again" in text for text in source.said)
    source.plug_in()
