"""Tracks and stays as the tests of visits need them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.records import Detection
from device.tracking.tracker import Track
from device.visits.visit import Stay

WIDTH, HEIGHT = 40.0, 80.0


def make_track(number: int, x: float, at_s: float, **changes: object) -> Track:
    """A confirmed track, found at ``x`` now, whose box is 40 wide and 80 high."""
    box = (x, 100.0, x + WIDTH, 100.0 + HEIGHT)
    label = str(changes.get("label", "person"))
    score = float(str(changes.get("score", 0.9)))
    values: dict[str, object] = {
        "track_id": number,
        "class_id": 0 if label == "person" else 2,
        "label": label,
        "score": score,
        "box": box,
        "velocity": (0.0, 0.0),
        "began_at_s": at_s,
        "seen_at_s": at_s,
        "confirmed": True,
        "found": True,
        "shown": True,
        "detection": Detection(0, label, score, *box),
        "best": Detection(0, label, score, *box),
        "sure": True,
    }
    return Track(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def make_stay() -> Callable[..., Stay]:
    """Make a visit under way."""

    def make(number: int = 1, **changes: object) -> Stay:
        box = (0.0, 0.0, WIDTH, HEIGHT)
        values: dict[str, object] = {
            "visit_id": number,
            "class_id": 0,
            "label": "person",
            "began_at_s": 0.0,
            "seen_at_s": 0.0,
            "began_time_s": 0.0,
            "seen_time_s": 0.0,
            "score": 0.9,
            "best_box": box,
            "box": box,
            "still_box": box,
            "still_since_s": 0.0,
        }
        return Stay(**{**values, **changes})  # type: ignore[arg-type]

    return make
