from __future__ import annotations

import threading

import pytest

from device.cameras.base import CameraOptions, CameraRequest, Shot
from device.cameras.iterable import IterableCamera
from device.errors import SourceError


class Stamped(IterableCamera):
    """Knows when its frames were exposed, and releases a device."""

    released = 0

    def _read(self) -> Shot | None:
        shot = super()._read()
        return shot and Shot(shot.pixels, "cam", shot.pixels[:24], captured_at_s=3.5)

    def _release(self) -> None:
        self.released += 1


def test_frame_has_what_its_shot_has(noise):
    (frame,) = Stamped([noise]).frames()
    assert (frame.index, frame.name, frame.captured_at_s) == (0, "cam", 3.5)
    assert frame.lores.shape == (24, 64, 3)
    assert frame.capture_ms >= 0


def test_stop_ends_the_frames_before_the_next_is_read(noise):
    stop = threading.Event()
    frames = Stamped([noise] * 3).frames(stop=stop)
    next(frames)
    stop.set()
    assert list(frames) == []


def test_closing_twice_releases_once_and_ends_the_frames(noise):
    with Stamped([noise] * 3) as camera:
        frames = camera.frames()
        next(frames)
        camera.close()
        with pytest.raises(SourceError, match="no more frames: the source was closed"):
            next(frames)
    assert camera.released == 1


def test_camera_without_a_source_of_its_own_cannot_be_asked_for():
    with pytest.raises(NotImplementedError, match="no source names a IterableCamera"):
        IterableCamera.from_request(CameraRequest("demo", [], print))


def test_device_that_hangs_in_a_read_is_not_released_under_it(monkeypatch, noise):
    monkeypatch.setattr("device.cameras.base.CLOSE_TIMEOUT_S", 0.05)
    reading, enough = threading.Event(), threading.Event()

    class Hanging(Stamped):
        def _read(self) -> Shot | None:
            reading.set()
            enough.wait()
            return None

    camera = Hanging([noise])
    thread = threading.Thread(target=lambda: list(camera.frames()))
    thread.start()
    reading.wait()
    camera.close()
    assert camera.released == 0
    enough.set()
    thread.join()


class Timed(IterableCamera):
    """Frames that are to be shown a quarter of a second apart, as a video's."""

    def _read(self) -> Shot | None:
        shot = super()._read()
        self.read = getattr(self, "read", -1) + 1
        return shot and Shot(shot.pixels, shown_at_s=0.25 * self.read)


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self, monkeypatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr("device.cameras.base.time.monotonic", lambda: self.now_s)

    def is_set(self) -> bool:
        return False

    def wait(self, timeout_s: float) -> None:
        self.now_s += timeout_s


def test_paced_video_is_served_at_the_times_of_its_frames_and_late_ones_are_not_made_up(
    noise, monkeypatch
):
    clock = Clock(monkeypatch)
    frames = Timed([noise] * 5, options=CameraOptions(paced=True)).frames(stop=clock)
    served_at_s = []
    for index, frame in enumerate(frames):
        served_at_s.append(frame.captured_at_s)
        if index == 2:
            clock.now_s += 1.0  # the network took its time
    assert served_at_s == [100.0, 100.25, 100.5, 101.5, 101.75]


def test_video_is_served_without_waiting_where_nobody_asked_for_its_pace(noise, monkeypatch):
    clock = Clock(monkeypatch)
    frames = list(Timed([noise] * 5).frames(stop=clock))
    assert {frame.captured_at_s for frame in frames} == {100.0}
