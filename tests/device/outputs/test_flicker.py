from __future__ import annotations

import pytest

from device.outputs.flicker import FlickerDetector
from device.records import Detection
from tests.device.conftest import make_outcome

BOX = (2.0, 2.0, 22.0, 22.0)


def frames_missed(seen: list[Detection | None], step_s: float = 0.1) -> list[int]:
    """The frames that are said to lack something, of a run that sees these, one a frame."""
    detector = FlickerDetector()
    missed = []
    for index, item in enumerate(seen):
        outcome = make_outcome(index, detections=() if item is None else (item,))
        found = detector.missed(outcome, index * step_s)
        if found is not None:
            missed.append(found.frame.index)
    return missed


def cat(score: float = 0.9, box=BOX, label: str = "cat") -> Detection:
    return Detection(1, label, score, *box)


def test_frame_between_two_findings_of_one_object_is_missed():
    assert frames_missed([cat(), cat(), cat(), None, cat()]) == [3]


def test_first_of_several_missed_frames_is_the_one():
    assert frames_missed([cat(), cat(), cat(), None, None, cat()]) == [3]


def test_second_flicker_counts_once_the_finding_is_steady_again():
    steady = [cat(), cat(), cat()]
    assert frames_missed([*steady, None, *steady, None, cat()]) == [3, 7]


@pytest.mark.parametrize(
    "seen",
    [
        [cat(), cat(), None, cat()],  # never steady
        [cat(), cat(), cat(), None, None],  # it left
        [cat(), cat(), cat(), None, cat(label="dog")],
        [cat(), cat(), cat(), None, cat(box=(40.0, 20.0, 60.0, 40.0))],
    ],
)
def test_what_was_not_steady_or_does_not_come_back_is_not_missed(seen):
    assert frames_missed(seen) == []


def test_what_comes_back_after_a_second_was_gone():
    assert frames_missed([cat(), cat(), cat(), None, cat()], step_s=1.1) == []
