"""Cameras of each kind that are lost and come back, five times as often as ``LITEBERRY_RUNS``.

Those of the ribbon are the real Picamera2 over a simulated libcamera. V4L2 is among them where the
kernel's test camera is: ``make test-cameras RUNS=200``.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from device.cameras.base import Camera, CameraOptions
from device.cameras.mjpeg import MjpegCamera
from device.cameras.picamera import PicameraCamera
from device.cameras.rtsp import RtspCamera
from device.cameras.url import CameraUrl
from device.cameras.v4l2 import V4l2Camera
from tests.device.cameras.test_v4l2 import TEST_CAMERA, press
from tests.helpers.long_runs import RUNS
from tests.helpers.network_cameras import MjpegServer, RtspServer
from tests.helpers.simulated_picamera import simulated_picamera

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

LOSSES = 5 * RUNS
AWAY_S = 0.05  # so that some attempts to reach it fail
SHORT_S = 0.01  # what the product waits for half a second and longer
SILENCE_S = 0.3  # of a ribbon's camera, and it is lost; less, and a busy machine seems to be a loss
KINDS = ("mjpeg", "snapshot", "rtsp", "picamera") + ("v4l2",) * bool(TEST_CAMERA)


class SnapshotServer(MjpegServer):
    """One JPEG for each request, and a connection for each."""

    content_type = "image/jpeg"


SERVERS = {
    "mjpeg": (MjpegServer, MjpegCamera),
    "snapshot": (SnapshotServer, MjpegCamera),
    "rtsp": (RtspServer, RtspCamera),
}


@dataclass
class Kind:
    """How a camera of one kind is opened, lost and given back."""

    make: Callable[[Callable[[str], None], threading.Event], Camera]
    lose: Callable[[], None]
    give_back: Callable[[], None] = lambda: None  # vivid is back by itself


def kind_of(name: str, stack: contextlib.ExitStack) -> Kind:
    if name == "v4l2":
        options = CameraOptions(size_wh=(320, 180))
        return Kind(
            partial(V4l2Camera, TEST_CAMERA, options), partial(press, TEST_CAMERA, "Disconnect")
        )
    if name == "picamera":
        simulation = stack.enter_context(simulated_picamera())

        def plug(is_in: bool) -> None:
            simulation.silent, simulation.count = not is_in, int(is_in)

        options = CameraOptions(frozen_s=SILENCE_S, lores_wh=(160, 120))
        return Kind(partial(PicameraCamera, 0, options), partial(plug, False), partial(plug, True))
    kind_of_server, kind_of_camera = SERVERS[name]
    server = stack.enter_context(kind_of_server())
    url = CameraUrl.parse(server.url)
    return Kind(partial(kind_of_camera, url, CameraOptions()), server.stop, server.start)


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch) -> Iterator[Kind]:
    monkeypatch.setattr("device.cameras.reconnecting.FIRST_DELAY_S", SHORT_S)
    monkeypatch.setattr("device.cameras.reconnecting.LONGEST_DELAY_S", SHORT_S)
    monkeypatch.setattr("device.cameras.mjpeg.SNAPSHOT_INTERVAL_S", SHORT_S)
    monkeypatch.setattr("device.cameras.picamera.POLL_S", SHORT_S)
    with contextlib.ExitStack() as stack:
        yield kind_of(request.param, stack)


def test_camera_that_is_lost_again_and_again_leaves_nothing_open(kind):
    said: list[str] = []
    stop = threading.Event()
    files: list[int] = []
    threads: list[int] = []

    def warn(text: str) -> None:
        said.append(text)
        if text.startswith("lost "):  # not sooner: a loss that nobody saw is none
            threading.Timer(AWAY_S, kind.give_back).start()

    with kind.make(warn, stop) as camera:
        frames = camera.frames(None, stop)
        for _ in range(LOSSES):
            next(frames)
            gc.collect()  # Picamera2 leaves selectors to it
            files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
            threads.append(threading.active_count())
            found = len(said)
            kind.lose()
            while len(said) < found + 2:  # that it was lost, and that it is back
                next(frames)
        stop.set()
    assert len(files) == LOSSES
    lost = sum(text.startswith("lost ") for text in said)
    assert lost >= LOSSES  # a machine that is busy for long may add one
    assert sum("back after" in text for text in said) == lost
    print(lost, "losses; open files", files[0], max(files), "threads", max(threads))  # noqa: T201
    half = LOSSES // 2
    assert max(files[half:]) <= max(files[:half]) + 2
    assert max(threads[half:]) <= max(threads[:half]) + 2
