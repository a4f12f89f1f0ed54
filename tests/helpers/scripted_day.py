"""A day by a script: people who walk through a picture, as a network would find them.

One comes every ``GAP_FRAMES``, from the left and from the right in turns, and walks out on the
other side. Every third is hidden for a while in the middle, boxes come below the threshold now and
then, and single false boxes come up in between. What has to be counted follows from the script.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device.records import Detection, Result, Timings
from device.visits.plan import ScenePlan, read_plan

SIZE_WH = (640, 480)
STEP = 14  # pixels in a frame
WALK_FRAMES = 41
GAP_FRAMES = 100
HIDDEN = range(19, 22)  # frames of a walk
UNSURE_EVERY = 7  # frames of a walk
FALSE_EVERY = 37  # frames

TABLES = {
    "zone": [{"name": "middle", "points": [[0.3, 0.5], [0.7, 0.5], [0.7, 1], [0.3, 1]]}],
    "line": [{"name": "door", "start": [0.5, 1], "end": [0.5, 0.2]}],
    "rule": [{"name": "somebody", "when": "middle: occupied"}],
}


def plan() -> ScenePlan:
    """A zone in the middle, a line through it, and a rule on it."""
    found, left_out = read_plan(TABLES)
    assert not left_out
    return found


@dataclass(frozen=True)
class Expected:
    """What has to be counted on so many frames."""

    visits: int
    ins: int
    outs: int


def expected(frames: int) -> Expected:
    """The counts of the walks that are over within ``frames``, which ends between two walks."""
    assert frames % GAP_FRAMES == 0
    walks = frames // GAP_FRAMES
    return Expected(walks, (walks + 1) // 2, walks // 2)


def result_of(frame: int) -> Result:
    """What the network finds on a frame."""
    walk, step = divmod(frame, GAP_FRAMES)
    found: list[Detection] = []
    is_hidden = walk % 3 == 0 and step in HIDDEN
    if step < WALK_FRAMES and not is_hidden:
        x = 10 + STEP * step
        if walk % 2:
            x = SIZE_WH[0] - 70 - x
        score = 0.3 if step % UNSURE_EVERY == UNSURE_EVERY - 1 else 0.75 + (frame * 7 % 20) / 100
        found.append(Detection(0, "person", score, x, 200, x + 60, 340))
    if frame % FALSE_EVERY == 0:
        x = frame * 13 % 500
        found.append(Detection(33, "frisbee", 0.8, x, 20, x + 40, 60))
    return Result(
        frame,
        tuple(item for item in found if item.score >= 0.5),
        Timings(1.0, 1.0, 1.0, 1.0),
        unsure=tuple(item for item in found if item.score < 0.5),
    )


def picture() -> np.ndarray:
    """A frame, always the same."""
    smooth = np.linspace(0, 255, SIZE_WH[0], dtype=np.uint8)
    return np.repeat(np.tile(smooth, (SIZE_WH[1], 1))[:, :, None], 3, axis=2)
