from __future__ import annotations

import threading

import pytest

from device.cameras.base import CameraRequest, Shot
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
