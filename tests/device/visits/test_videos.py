"""Visits on real videos, found by the real network: what came is counted by hand."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from device.cameras.open import open_camera
from device.outputs.base import Sink
from device.outputs.pace import Pace
from device.pipeline.pipeline import Pipeline
from device.pipeline.watching import Watch
from device.visits.plan import read_plan
from device.visits.watcher import SceneWatcher

# Across the path at its left end. By hand, on every sixth frame: out (to the left) go a pale blue
# jacket at frame 198, a black one at 222, a red one at 556, a black coat on the grass at 702 and
# a blue jacket at 727; in come the red jacket at 628 and the coat at 735. Two men come up to it,
# at 276 and 630, and turn.
PATH = {"name": "path", "start": [0.15, 0.95], "end": [0.15, 0.25], "classes": ["person"]}
IN, OUT = 2, 5


class Events(Sink):
    """Counts what happened, by kind and class."""

    def __init__(self):
        self.counts = Counter()

    def write(self, outcome):
        for event in outcome.result.scene.events:
            self.counts[event.kind, event.visit.label] += 1

    def close(self):
        pass


def watched(path, engine, tables):
    events = Events()
    with open_camera(str(path), [], pytest.fail) as camera:
        plan, _ = read_plan(tables)
        watch = Watch(SceneWatcher(plan), Pace.of(camera.fps, live=False))
        Pipeline(camera, engine, [events], watch=watch).run(None, threading.Event())
    return events.counts


def test_people_on_a_path_and_nothing_that_is_not_there(shared_data, engine):
    """On single frames the network also finds frisbees, skateboards, skis, backpacks."""
    counts = watched(shared_data / "videos" / "vtest.avi", engine, {"line": [PATH]})
    labels = {label for kind, label in counts if kind == "visit-began"}
    assert labels == {"person", "car"}, "a van and a car are parked at the back"
    assert counts["visit-began", "car"] == 2
    assert abs(counts["line-in", "person"] - IN) <= 1
    assert abs(counts["line-out", "person"] - OUT) <= 1


def test_each_car_that_drives_through_is_one_visit(shared_data, engine):
    """Four, seen from above, which the network takes for other things."""
    counts = watched(shared_data / "videos" / "intel_car-detection.mp4", engine, {})
    assert sum(count for (kind, _), count in counts.items() if kind == "visit-began") == 4
