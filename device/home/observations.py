"""Observations: what a run's thread leaves for those who report it, without ever waiting."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from device.home.report import count_classes
from device.pipeline.history import FrameFlow
from device.records import Detection, Outcome, Pixels, SceneEvent, SceneState

MAX_EVENTS = 256
MAX_PICTURES = 2  # frames kept until they are encoded, each as large as the camera makes them


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
    """The newest counts and scene, and what happened since it was last asked for.

    :meth:`add` is for the run's thread, whose frame waits for it: it takes no lock, copies no
    frame, and throws away what nobody fetches. It wakes who waits in :meth:`wait` when somebody
    came or went, or something happened.
    """

    def __init__(self, pictured: Collection[str] = ()) -> None:
        """``pictured`` are the classes of which the last picture is wanted."""
        self.flow = FrameFlow()
        self._news: SimpleQueue[None] = SimpleQueue()  # cheaper to fill than an Event to set
        self.counts: Counter[str] = Counter()
        self.scene: SceneState | None = None
        self.fps = 0.0
        self.events: deque[TimedEvent] = deque(maxlen=MAX_EVENTS)
        self.sightings: deque[Sighting] = deque()
        self._pictured = frozenset(pictured)
        self._unpictured: set[str] = set()  # came, but the picture is still to be taken

    def add(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.flow.add(outcome)
        self.fps = outcome.fps
        result = outcome.result
        if result.scene is None and result.kept and result.findings:
            return
        counts = count_classes(result)
        if scene := result.scene:
            self.scene = scene
            self.events.extend(TimedEvent(event, scene.time_s) for event in scene.events)
        came = counts.keys() - self.counts.keys()
        changed = came or counts != self.counts
        self.counts = counts
        if self._pictured and (came or self._unpictured):
            self._take_pictures(outcome, came, counts)
        if changed or (scene and scene.events):
            self.wake()

    def wake(self) -> None:
        """Let :meth:`wait` return, now or when it is next called."""
        if self._news.empty():
            self._news.put(None)

    def wait(self, timeout_s: float) -> bool:
        """Whether there was news within ``timeout_s``."""
        with contextlib.suppress(Empty):
            self._news.get(timeout=timeout_s)
            return True
        return False

    def _take_pictures(self, outcome: Outcome, came: Collection[str], counts: Counter[str]) -> None:
        self._unpictured = {
            label
            for label in {*self._unpictured, *came}
            if label in self._pictured and label in counts
        }
        for label in sorted(self._unpictured):
            found = tuple(item for item in outcome.result.detections if item.label == label)
            if len(self.sightings) >= MAX_PICTURES or not (found or outcome.result.classes):
                continue
            self.sightings.append(Sighting(label, outcome.frame.pixels, found))
            self._unpictured.discard(label)
            self.wake()
