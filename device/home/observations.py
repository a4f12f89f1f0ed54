"""Observations: what a run's thread leaves for those who report it, without ever waiting."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from device.home.report import labels_of
from device.pipeline.history import FrameFlow
from device.records import Detection, Outcome, Pixels, SceneEvent, SceneState

MAX_EVENTS = 256
MAX_PICTURES = 2  # frames kept until they are encoded, each as large as the camera makes them
PICTURE_EVERY_S = 1.0  # of one class at most: whoever comes and goes all the time costs no more
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Sighting:
    """A frame on which a class was seen that was not there before."""

    label: str
    pixels: Pixels
    detections: tuple[Detection, ...]  # of that class


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event, and when it was, in seconds since 1970."""

    event: SceneEvent
    time_s: float


class Observations:
    """The newest labels and scene, and what happened since it was last asked for.

    :meth:`add` is for the run's thread, whose frame waits for it: it takes no lock, copies no
    frame, wakes no thread, which might take its processor, and throws away what nobody fetches.
    """

    def __init__(self, pictured: Collection[str] = ()) -> None:
        """``pictured`` are the classes of which the last picture is wanted."""
        self.flow = FrameFlow()
        self.labels: tuple[str, ...] = ()  # of each that there is
        self.scene: SceneState | None = None
        self.fps = 0.0
        self.events: deque[TimedEvent] = deque(maxlen=MAX_EVENTS)
        self.sightings: deque[Sighting] = deque()
        self._is_new = False
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._pictured = frozenset(pictured)
        self._unpictured: set[str] = set()  # came, but the picture is still to be taken
        self._not_before_s: dict[str, float] = {}  # label -> when it may be pictured again

    def add(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.flow.add(outcome)
        self.fps = outcome.fps
        result = outcome.result
        if result.scene is None and result.kept and result.findings:
            return
        labels = labels_of(result)
        if scene := result.scene:
            self.scene = scene
            if scene.events:
                self.events.extend([TimedEvent(event, scene.time_s) for event in scene.events])
                self._is_new = True
        if labels != self.labels:
            self._unpictured |= self._pictured.intersection(labels).difference(self.labels)
            self.labels = labels
            self._is_new = True
        if self._unpictured:
            self._take_pictures(outcome, labels)

    def wake(self) -> None:
        """Let :meth:`wait` return, now or when it is next called."""
        if self._wakes.empty():
            self._wakes.put(None)

    def wait(self, timeout_s: float) -> bool:
        """Whether there was news, or somebody woke it, within ``timeout_s``.

        News are those who came or went, and what happened; they are seen a tenth of a second late.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self._is_new:
            left_s = max(0.0, deadline_s - time.monotonic())
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=min(left_s, LOOK_EVERY_S))
                return True
            if left_s <= LOOK_EVERY_S:
                break
        was_new, self._is_new = self._is_new, False
        return was_new

    def _take_pictures(self, outcome: Outcome, labels: Collection[str]) -> None:
        now_s = outcome.finished_at_s
        for label in sorted(self._unpictured):
            if label not in labels:
                self._unpictured.discard(label)
                continue
            if len(self.sightings) >= MAX_PICTURES or now_s < self._not_before_s.get(label, now_s):
                continue
            found = tuple([item for item in outcome.result.detections if item.label == label])
            if not (found or outcome.result.classes):
                continue  # a visit whose object is not on this frame
            self.sightings.append(Sighting(label, outcome.frame.pixels, found))
            self._unpictured.discard(label)
            self._not_before_s[label] = now_s + PICTURE_EVERY_S
            self._is_new = True
