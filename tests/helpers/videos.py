"""Videos for the tests: how to write them, and when their frames are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np

from device.outputs.pace import Pace
from device.outputs.video import VideoSink
from device.records import Outcome
from tests.device.conftest import make_outcome

TEN = Pace(10.0)


def grey(value: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def busy(index: int) -> np.ndarray:
    """A picture that is large as a file and unlike the others."""
    coarse = np.random.default_rng(index).integers(0, 256, (30, 40, 3), np.uint8)
    return cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_NEAREST)


def write_all(path: Path, images: list[np.ndarray], pace: Pace = TEN) -> None:
    with VideoSink(path, pace) as sink:
        for index, pixels in enumerate(images):
            sink.write(make_outcome(index, pixels))


def captured_at(outcome: Outcome, seconds: float) -> Outcome:
    return replace(outcome, frame=replace(outcome.frame, captured_at_s=seconds))


def times_of(path: Path) -> list[float]:
    """When each frame of a video is shown, in seconds."""
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]
