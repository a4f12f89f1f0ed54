"""What `make demo` left in build/: run by `make check-demo`, not by `make test`."""

from __future__ import annotations

import json
import os
from collections import Counter

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.demo_outputs

DEMO = ROOT / os.environ.get("LITEBERRY_DEMO", "build/demo")
FRAMES = 300  # as in the Makefile: 75 on each of the four samples


@pytest.fixture(scope="module")
def log() -> list[dict]:
    return [json.loads(line) for line in (DEMO / "detections.jsonl").read_text().splitlines()]


def test_log_has_a_line_for_every_frame(log):
    assert [line["frame"] for line in log] == list(range(FRAMES))


def test_each_sample_is_recognised_on_most_of_its_frames(log):
    seen = Counter(label for line in log for label in {d["label"] for d in line["detections"]})
    for label in ("person", "cat", "motorcycle", "cup"):
        assert seen[label] >= 60, seen


def test_video_shows_a_box_where_the_log_says_so(log):
    capture = cv2.VideoCapture(str(DEMO / "annotated.mp4"))
    frames = 0
    boxed = checked = 0
    for line in log:
        ok, image = capture.read()
        assert ok, f"the video ends at frame {frames}"
        frames += 1
        found = [d for d in line["detections"] if d["score"] > 0.7]
        if not found:
            continue
        # The left edge of the best box is drawn in one colour: far less varied than beside it.
        x_min, y_min, _, y_max = (round(side) for side in found[0]["box"])
        x, y = int(np.clip(x_min, 0, 639)), slice(max(0, y_min) + 30, min(480, y_max) - 30)
        if y.stop - y.start < 50 or not 6 <= x <= 633:
            continue
        checked += 1
        edge = image[y, x].astype(float).std(axis=0).mean()
        beside = image[y, x - 6].astype(float).std(axis=0).mean()
        boxed += edge < beside or edge < 12
    assert not capture.read()[0]
    assert frames == FRAMES
    assert checked > 50
    assert boxed > 0.9 * checked
