from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from device.commands import progress as module
from device.commands.progress import FrameProgress


class Terminal(io.StringIO):
    """What was said to a person who sees it at once."""

    def isatty(self) -> bool:
        return True


def pipeline(done: int, fps: float):
    return SimpleNamespace(rate=SimpleNamespace(stamps=done, recent_fps=fps))


def at_times(monkeypatch: pytest.MonkeyPatch, times_s: Iterable[float]) -> None:
    """Let the clock show these."""
    clock = SimpleNamespace(monotonic=iter(times_s).__next__)
    monkeypatch.setattr(module, "time", clock)


@pytest.fixture
def terminal(monkeypatch):
    """Standard error; a second goes by whenever the clock is read."""
    stream = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    at_times(monkeypatch, itertools.count(1))
    return stream


def test_line_tells_how_many_how_fast_and_how_long_it_takes(terminal):
    FrameProgress(1000)(pipeline(100, 10.0))  # the other 900 take 90 s
    assert terminal.getvalue() == "\r  frame 100 of 1000, 10 FPS, 1:30 left\x1b[K"


def test_source_without_an_end_has_no_time_left(terminal):
    FrameProgress(None)(pipeline(7, 29.6))
    assert terminal.getvalue() == "\r  frame 7, 30 FPS\x1b[K"


@pytest.mark.parametrize("fps", [0.0, 1e-6])
def test_time_left_that_nobody_believes_is_not_told(terminal, fps):
    FrameProgress(10)(pipeline(1, fps))
    assert terminal.getvalue() == "\r  frame 1 of 10, 0 FPS\x1b[K"


def test_line_is_rewritten_twice_a_second_at_most(terminal, monkeypatch):
    at_times(monkeypatch, [10.0, 10.2, 10.4, 10.6])
    progress = FrameProgress(None)
    for done in range(4):
        progress(pipeline(done, 5.0))
    lines = terminal.getvalue().split("\r")[1:]
    assert [line.split(",")[0] for line in lines] == ["  frame 0", "  frame 3"]


def test_end_leaves_an_empty_line_where_something_was_shown(terminal):
    progress = FrameProgress(None)
    progress.close()
    assert terminal.getvalue() == ""
    progress(pipeline(1, 5.0))
    progress.close()
    assert terminal.getvalue().endswith("FPS\x1b[K\r\x1b[K")


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    progress = FrameProgress(10)
    progress(pipeline(1, 5.0))
    progress.close()
    assert stream.getvalue() == ""


def test_line_of_several_cameras_tells_of_each_and_fits_the_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    cameras = {"door": pipeline(7, 29.6), "garden": pipeline(5, 10.0)}
    FrameProgress(None).show_all(cameras)
    assert terminal.getvalue() == "\r  door 7, 30 FPS; garden 5, 1\x1b[K"
