from __future__ import annotations

from dataclasses import replace

from device.outputs.pace import DEFAULT_FPS, Pace
from tests.device.conftest import make_outcome

FRAME = make_outcome(5).frame  # captured at 105 s


def test_recorded_frames_are_shown_at_the_rate_of_their_file():
    assert Pace.of(25.0, live=False).at_s(FRAME) == 0.2


def test_source_without_a_rate_is_shown_at_the_default():
    assert Pace.of(None, live=False).at_s(FRAME) == 5 / DEFAULT_FPS


def test_live_frames_are_shown_when_they_were_taken():
    assert Pace.of(25.0, live=True) == Pace(25.0, live=True)
    assert Pace.of(25.0, live=True).at_s(FRAME) == 105.0


def test_frame_with_a_time_of_its_own_is_shown_then():
    frame = replace(FRAME, shown_at_s=7.25)
    assert Pace.of(25.0, live=False).at_s(frame) == 7.25
    assert Pace.of(None, live=False).at_s(frame) == 7.25
