"""The watcher of a scene: from the detections of a frame to visits, counts and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from device.records import Detection, Result, SceneEvent, SceneState
from device.tracking.options import TrackerOptions
from device.tracking.tracker import Track, Tracker
from device.visits.line import LineWatch
from device.visits.plan import ScenePlan
from device.visits.polygon import Point
from device.visits.rule import RuleWatch
from device.visits.visit import Stay, VisitBook, VisitOptions
from device.visits.zone import ZoneWatch

CLOCK_STEP_S = 1.0  # the time of day moved by more against the source's clock: it was set
LONGEST_GAP_S = 1.0  # between two frames: a camera that was gone longer was not gone for objects


class SceneWatcher:
    """Follows objects, and counts them in zones and over lines.

    The time in which no frame came, such as of a camera that is reached for again, does not count:
    what was there before and is there after it is the same visit. Where the time of day is set, by
    hand or from the network, visits under way are moved with it: they last as long as they did.
    """

    def __init__(
        self,
        plan: ScenePlan | None = None,
        tracker: TrackerOptions | None = None,
        visits: VisitOptions | None = None,
    ) -> None:
        self.tracker = Tracker(tracker)
        self._book = VisitBook(visits)
        self._zones: list[ZoneWatch] = []
        self._lines: list[LineWatch] = []
        self._rules: list[RuleWatch] = []
        self._frame_at_s: float | None = None
        self._clock_s = 0.0
        self._epoch_s: float | None = None  # what the time of day is ahead of the source's clock
        self.take_plan(plan or ScenePlan())

    def take_plan(self, plan: ScenePlan) -> None:
        """Watch the places of ``plan`` from now on.

        What is as it was before goes on counting; what is another, or was moved, begins at nought.
        """
        self._zones = [
            next((watch for watch in self._zones if watch.zone == zone), None) or ZoneWatch(zone)
            for zone in plan.zones
        ]
        self._lines = [
            next((watch for watch in self._lines if watch.line == line), None) or LineWatch(line)
            for line in plan.lines
        ]
        self._rules = [
            next((watch for watch in self._rules if watch.rule == rule), None) or RuleWatch(rule)
            for rule in plan.rules
        ]

    def update(
        self,
        result: Result,
        size_wh: tuple[int, int],
        at_s: float,
        time_s: float,
        *,
        still: bool = False,
    ) -> Result:
        """``result`` with the tracks and visits of its detections, and with the scene.

        The frame is of ``size_wh`` pixels and came ``at_s`` on the source's clock, ``time_s`` in
        seconds since 1970. Where the network was spared it (``result.kept``) the boxes are
        predicted, or, where nothing moved (``still``), those before.
        """
        self._note_clock(time_s - at_s)
        tracks = self._follow(result, self._advance(at_s), still)
        events = self._book.update(tracks, self._clock_s, time_s)
        stays = self._book.stays
        events += self._look_at_places(stays, size_wh)
        zones = tuple(zone.state for zone in self._zones)
        events += self._judge()
        scene = SceneState(
            time_s=time_s,
            visits=tuple(stay.as_record() for stay in stays),
            events=tuple(events),
            zones=zones,
            lines=tuple(line.state for line in self._lines),
            rules=tuple(watch.rule.name for watch in self._rules if watch.is_in_force),
        )
        if result.kept and not still:
            tracks = [track for track in tracks if track.shown and self.tracker.is_high(track)]
        detections = _annotate(result, tracks, stays, still=still)
        return replace(result, detections=detections, scene=scene)

    def _note_clock(self, epoch_s: float) -> None:
        """Take in how far the time of day is ahead of the source's clock."""
        step_s = 0.0 if self._epoch_s is None else epoch_s - self._epoch_s
        self._epoch_s = epoch_s
        if abs(step_s) > CLOCK_STEP_S:
            self._book.shift(step_s)

    def _advance(self, at_s: float) -> float:
        if self._frame_at_s is not None:
            self._clock_s += min(max(0.0, at_s - self._frame_at_s), LONGEST_GAP_S)
        self._frame_at_s = at_s
        return self._clock_s

    def _follow(self, result: Result, clock_s: float, still: bool) -> list[Track]:
        if not result.kept:
            return self.tracker.update((*result.detections, *result.unsure), clock_s)
        return self.tracker.hold(clock_s) if still else self.tracker.predict(clock_s)

    def _look_at_places(self, stays: Sequence[Stay], size_wh: tuple[int, int]) -> list[SceneEvent]:
        if not self._zones and not self._lines:
            return []
        feet = [(stay, foot_of(stay.box, size_wh)) for stay in stays]
        events = []
        for zone in self._zones:
            events += zone.update(feet, size_wh[1], self._clock_s)
        for line in self._lines:
            events += line.update(feet)
        return events

    def _judge(self) -> list[SceneEvent]:
        events = []
        zones = {zone.zone.name: zone for zone in self._zones}
        for watch in self._rules:
            zone = zones[watch.rule.place]
            change = watch.update(zone.count(watch.rule.label), zone.state, self._clock_s)
            if change is not None:
                events.append(SceneEvent(f"rule-{change}", place=watch.rule.name))
        return events


def foot_of(box: tuple[float, float, float, float], size_wh: tuple[int, int]) -> Point:
    """Where an object stands: the bottom centre of its box, normalised, within the picture."""
    x = (box[0] + box[2]) / 2 / size_wh[0]
    y = box[3] / size_wh[1]
    if 0 <= x <= 1 and 0 <= y <= 1:  # nearly always
        return x, y
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _annotate(
    result: Result, tracks: Sequence[Track], stays: Sequence[Stay], *, still: bool
) -> tuple[Detection, ...]:
    """The detections of a frame, each with its track and visit.

    Between two frames that the network saw they are those of ``tracks``. What scores below the
    threshold is none of them, though it may keep a track: who asks for 50 % is shown no 23 %.
    """
    visit_of = {number: stay.visit_id for stay in stays for number in stay.tracks}
    if result.kept and not still:
        return tuple(
            Detection(
                track.class_id, track.label, track.score, *track.box,
                track_id=track.track_id, visit_id=visit_of.get(track.track_id),
            )
            for track in sorted(tracks, key=lambda track: -track.score)
        )  # fmt: skip
    if result.kept:
        return tuple(
            replace(item, visit_id=visit_of.get(item.track_id or 0)) for item in result.detections
        )
    track_of = {id(t.detection): t for t in tracks if t.confirmed and t.detection is not None}
    found = []
    for item in result.detections:
        if (track := track_of.get(id(item))) is not None:
            # As replace() makes it, in half the time.
            number = track.track_id
            item = Detection(
                item.class_id, item.label, item.score, *item.box,
                track_id=number, visit_id=visit_of.get(number),
            )  # fmt: skip
        found.append(item)
    return tuple(found)
