"""The event log: visits of a run into an event store, with the best picture of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from device.events.clip_folder import ClipFolder
from device.events.feet import FootMap
from device.events.records import StoredFinding
from device.events.writer import EventWriter, RawPicture
from device.outputs.base import Sink
from device.records import Detection, Outcome, SceneState, Visit

PICTURE_EVERY_S = 1.0  # of one visit, at most: while it comes nearer each frame is the best
NOTE_EVERY_S = 0.2  # how long a visit under way lasts is noted so often: it is not lost then
FEET_EVERY_S = 1.0  # where feet were is handed over so often
LONGEST_STEP_S = 1.0  # between two frames in which feet stand where they stood


class EventSink(Sink):
    """A sink that notes the visits of a run; all that takes time is done in another thread.

    ``clip_of`` tells which clip in the folder ``clips`` is being recorded of a class.
    """

    def __init__(
        self,
        path: Path,
        quota_bytes: int | None = None,
        age_s: float | None = None,
        clips: Path | None = None,
        clip_of: Callable[[str], Path | None] | None = None,
    ) -> None:
        folder = None if clips is None else ClipFolder(clips)
        self._writer = EventWriter(path, quota_bytes, age_s, clips=folder)
        self._clip_of = clip_of
        self._feet = FootMap()
        self._feet_s = 0.0
        self._stepped_s: float | None = None
        self._pictured: dict[int, tuple[float, float]] = {}  # visit: when, and its score
        self._noted_s = 0.0
        self._source = ""
        self._last: SceneState | None = None

    def write(self, outcome: Outcome) -> None:
        """Note what changed with this frame."""
        scene = outcome.result.scene
        if scene is None:
            return
        self._last, self._source = scene, outcome.frame.name
        for event in scene.events:
            if event.kind == "visit-began" and event.visit is not None:
                self._note(event.visit, scene)
            elif event.kind == "visit-ended" and event.visit is not None:
                self._note(event.visit, scene, ended=True)
                self._pictured.pop(event.visit.visit_id, None)
        self._tread(outcome, scene.time_s)
        if abs(scene.time_s - self._feet_s) >= FEET_EVERY_S:
            self._feet_s = scene.time_s
            self._hand_over_feet()
        if abs(scene.time_s - self._noted_s) >= NOTE_EVERY_S:
            self._noted_s = scene.time_s
            for visit in scene.visits:
                self._note(visit, scene)
        if not outcome.result.kept:
            self._picture(outcome, scene)

    def _note(self, visit: Visit, scene: SceneState, *, ended: bool = False) -> None:
        clip = None if self._clip_of is None else self._clip_of(visit.label)
        name = None if clip is None else clip.name
        self._writer.note(visit, self._source, scene.time_s, ended=ended, clip=name)

    def _tread(self, outcome: Outcome, time_s: float) -> None:
        """Note where the feet of those who visit are, for the time since the frame before."""
        before_s, self._stepped_s = self._stepped_s, time_s
        seconds = 0.0 if before_s is None else min(time_s - before_s, LONGEST_STEP_S)
        if seconds <= 0:
            return
        width, height = outcome.frame.size_wh
        for item in outcome.result.detections:
            if item.visit_id is not None:
                x = (item.x_min + item.x_max) / 2 / width
                self._feet.add(item.label, time_s, x, item.y_max / height, seconds)

    def _hand_over_feet(self) -> None:
        if self._feet:
            self._writer.tread(self._feet)
            self._feet = FootMap()

    def _picture(self, outcome: Outcome, scene: SceneState) -> None:
        """Keep the frame for the visits of which no better picture is kept yet."""
        by_visit = {item.visit_id: item for item in outcome.result.detections}
        shown = set()
        for visit in scene.visits:
            item = by_visit.get(visit.visit_id)
            if item is None:
                continue
            # Not beside the best score of the visit: that was perhaps before it was one.
            at_s, score = self._pictured.get(visit.visit_id, (-PICTURE_EVERY_S, 0.0))
            if item.score <= score or abs(scene.time_s - at_s) < PICTURE_EVERY_S:
                continue
            if not self._writer.has_room:
                return
            self._pictured[visit.visit_id] = scene.time_s, item.score
            self._note(visit, scene)
            shown.add(visit.visit_id)
        if shown:
            findings = tuple(_finding(found) for found in outcome.result.detections)
            self._writer.take(RawPicture(shown, outcome.frame.pixels, findings))

    def close(self) -> None:
        """End the visits under way, and write what is left."""
        if self._last is not None:
            for visit in self._last.visits:
                self._note(visit, self._last, ended=True)
            self._last = None
            self._hand_over_feet()
        self._writer.close()


def _finding(item: Detection) -> StoredFinding:
    return StoredFinding(item.label, item.class_id, round(item.score, 4), item.box, item.visit_id)
