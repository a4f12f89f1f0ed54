from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from device.outputs.findings import FindingsSink
from device.records import Classification, Detection, Frame, Outcome, Result, Timings

CUP = Detection(47, "cup", 0.9525, 172.9, 19.3, 416.8, 244.6)
TABLE = Detection(67, "dining table", 0.64, 1, 5, 599, 395)


@pytest.fixture
def said(capsys):
    """What is printed for a result."""

    def said(result: Result) -> list[str]:
        frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0)
        with FindingsSink() as sink:
            assert not sink.needs_image(frame)
            sink.write(Outcome(frame, result, None, 0.0, 0.0, 0.0, 0.0, 0.0))
        return capsys.readouterr().out.splitlines()

    return said


RESULT = Result(0, (), Timings(0, 0, 0, 0))


def test_line_for_each_thing_with_its_score_and_box(said):
    assert said(dataclasses.replace(RESULT, detections=(CUP, TABLE))) == [
        "cup            95%  x 173 to 417, y 19 to 245",
        "dining table   64%  x 1 to 599, y 5 to 395",
    ]


def test_classes_have_no_box(said):
    classes = (Classification(3, "tabby", 0.7), Classification(4, "lynx", 0.049))
    assert said(dataclasses.replace(RESULT, classes=classes)) == ["tabby   70%", "lynx     5%"]


def test_nothing_found_says_what_to_try(said):
    assert said(RESULT) == ["nothing found: a lower --threshold finds more"]
