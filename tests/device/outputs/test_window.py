from __future__ import annotations

import subprocess
import sys
import threading

import cv2
import pytest

from device.errors import SinkError
from device.outputs import window
from device.outputs.window import WindowSink, require_window
from tests.device.conftest import make_outcome

NO_WINDOWS = "GUI: NONE" in " ".join(cv2.getBuildInformation().split())


class Screen:
    """What OpenCV shows, and what its user does: the real one is not to be had everywhere."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[object] = []
        self.sizes: list[tuple[int, int]] = []
        self.windows = 0
        self.key = -1
        self.is_visible = 1.0
        monkeypatch.setattr(window, "require_window", lambda: None)
        for name, function in {
            "namedWindow": lambda *_: self.count(1),
            "destroyAllWindows": lambda: self.count(-1),
            "imshow": lambda _, image: self.shown.append(image),
            "resizeWindow": lambda _, size_wh: self.sizes.append(size_wh),
            "waitKey": lambda _: self.key,
            "getWindowProperty": lambda *_: self.is_visible,
        }.items():
            monkeypatch.setattr(window.cv2, name, function)

    def count(self, change: int) -> None:
        self.windows += change


@pytest.fixture
def screen(monkeypatch):
    return Screen(monkeypatch)


def test_frames_are_shown_until_the_end(screen):
    stop = threading.Event()
    with WindowSink(stop) as sink:
        outcomes = [make_outcome(index) for index in range(3)]
        for outcome in outcomes:
            sink.write(outcome)
        assert screen.windows == 1
    assert [id(image) for image in screen.shown] == [id(each.image) for each in outcomes]
    assert screen.sizes == [(64, 48)]
    assert screen.windows == 0
    assert not stop.is_set()
    sink.close()
    assert screen.windows == 0


@pytest.mark.parametrize("key", [ord("q"), 27, ord("q") | 0x100000])  # with Num Lock, in GTK
def test_key_ends_the_run(screen, key):
    stop = threading.Event()
    with WindowSink(stop) as sink:
        screen.key = key
        sink.write(make_outcome())
        assert stop.is_set()


@pytest.mark.parametrize("key", [-1, ord("x"), ord("Q") + 1])
def test_other_key_does_not(screen, key):
    stop = threading.Event()
    with WindowSink(stop) as sink:
        screen.key = key
        sink.write(make_outcome())
        assert not stop.is_set()


def test_closing_the_window_ends_the_run_and_does_not_open_another(screen):
    stop = threading.Event()
    with WindowSink(stop) as sink:
        screen.is_visible = 0.0
        sink.write(make_outcome())
        assert stop.is_set()
        sink.write(make_outcome())  # a frame that was under way
    assert len(screen.shown) == 1
    assert screen.windows == 0


@pytest.mark.skipif(not NO_WINDOWS, reason="this OpenCV has windows")
def test_opencv_without_windows_is_an_error_that_says_what_to_do():
    with pytest.raises(SinkError) as caught:
        WindowSink(threading.Event())
    for hint in ("built without windows", "opencv-python", "python3-opencv", "--serve"):
        assert hint in str(caught.value)


@pytest.fixture
def opencv_with_windows(monkeypatch):
    monkeypatch.setattr(window.cv2, "getBuildInformation", lambda: "  GUI:        QT5\n")


def test_opencv_that_crashes_without_a_screen_is_an_error(opencv_with_windows, monkeypatch):
    crash = (
        "import os, sys; sys.stderr.write('x\\nqt: could not connect to display :9\\n'); os.abort()"
    )
    monkeypatch.setattr(window, "TRIAL", crash)
    with pytest.raises(SinkError, match=r"\(qt: could not connect to display :9\).*--serve"):
        require_window()


def test_screen_that_answers_is_enough(opencv_with_windows, monkeypatch):
    monkeypatch.setattr(window, "TRIAL", "pass")
    require_window()


def test_trial_is_a_program(monkeypatch):
    done = subprocess.run([sys.executable, "-c", window.TRIAL], capture_output=True, check=False)
    assert b"SyntaxError" not in done.stderr
    assert b"cvNamedWindow" in done.stderr or not NO_WINDOWS


def test_display_is_refused_before_the_run(device, small_bundle, tmp_path):
    if not NO_WINDOWS:
        pytest.skip("this OpenCV has windows")
    ran = device("detect", small_bundle, "--source", "demo", "--frames", 2, "--display")
    assert ran.code == 1
    assert "built without windows" in ran.error
    assert ran.out == ""
