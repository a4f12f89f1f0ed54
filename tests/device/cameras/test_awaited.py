import threading

import pytest

from device.cameras.awaited import await_camera, is_camera
from device.cameras.iterable import IterableCamera
from device.errors import SourceError, UsageError


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("0", True),
        ("/dev/video0", True),
        ("/dev/v4l/by-id/not-plugged-in", True),
        ("picamera", True),
        ("picamera:1", True),
        ("rtsp://host/path", True),
        ("http://host", True),
        ("demo", False),
        ("holiday.mp4", False),
        ("photos/", False),
    ],
)
def test_what_comes_and_goes_is_told_from_files(source, answer):
    assert is_camera(source) is answer


class Stop(threading.Event):
    """Waiting takes no time; set after so many waits."""

    def __init__(self, after: int = 1000) -> None:
        super().__init__()
        self.waits_s = []
        self._after = after

    def wait(self, timeout=None):
        self.waits_s.append(timeout)
        if len(self.waits_s) >= self._after:
            self.set()
        return self.is_set()


def test_camera_is_tried_again_less_and_less_often_until_it_comes():
    camera, stop, said, waits = IterableCamera([]), Stop(), [], []
    outcomes = [SourceError("cam: off")] * 7 + [camera]

    def connect():
        outcome = outcomes.pop(0)
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    assert await_camera(connect, lambda: waits.append(1), stop, said.append) is camera
    assert stop.waits_s == [0.5, 1, 2, 4, 8, 10, 10]
    assert len(waits) == 7
    assert said == ["cam: off; waiting for the camera"]


def test_wait_ends_when_the_run_is_to_end():
    def connect():
        raise SourceError("cam: off")

    stop = Stop(after=3)
    assert await_camera(connect, lambda: None, stop, lambda _: None) is None
    assert len(stop.waits_s) == 3


def test_what_is_no_matter_of_the_camera_ends_the_wait():
    def connect():
        raise UsageError("--size: cannot be asked")

    with pytest.raises(UsageError):
        await_camera(connect, lambda: None, Stop(), lambda _: None)
