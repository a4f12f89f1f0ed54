"""Visits: tracks joined into one stay of one object, from its coming to its going."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from device.inference.boxes import Box, iou
from device.records import SceneEvent, Visit
from device.tracking.tracker import Track

SAME_OBJECT_IOU = 0.7  # two tracks that overlap so much are one object, of whichever classes
STILL_IOU = 0.7  # with where it stood when the clock of standing still was set
SAME_PLACE_IOU = 0.5  # of something parked that was lost and is found again
REACH = 0.5  # heights of its box, within which something that was lost is found again ...
REACH_PER_S = 0.5  # ... and so much more for each second that it was away
LEAST_HEIGHT_RATIO = 0.6  # of one box to the other, for both to be the same object
MOST_PARKED = 64  # objects that stand still and are remembered: the oldest goes


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOptions:
    """When visits end."""

    absent_s: float = 5.0  # without a detection
    parked_s: float = 600.0  # without moving: what stands that long is part of the scene


@dataclass(slots=True)
class Stay:
    """A visit under way: what is known of it, and the tracks that are its object's."""

    visit_id: int
    class_id: int
    label: str
    began_at_s: float  # on the tracks' clock, of its first detection
    seen_at_s: float  # of its last
    began_time_s: float  # the same in seconds since 1970
    seen_time_s: float
    score: float
    best_box: Box
    box: Box  # where it is now, or was last
    still_box: Box  # where it has been since ``still_since_s``
    still_since_s: float
    tracks: set[int] = field(default_factory=set)
    zones: list[str] = field(default_factory=list)
    record: Visit | None = None  # made last, as long as it tells all

    @property
    def height(self) -> float:
        """The height of its box in source pixels."""
        return self.box[3] - self.box[1]

    def as_record(self) -> Visit:
        """What others are told of it; while it is out of sight, the same again."""
        last = self.record
        if (
            last is None
            or last.seen_s != self.seen_time_s
            or last.began_s != self.began_time_s
            or last.score != self.score
            or len(last.zones) != len(self.zones)
        ):
            self.record = last = Visit(
                visit_id=self.visit_id,
                class_id=self.class_id,
                label=self.label,
                began_s=self.began_time_s,
                seen_s=self.seen_time_s,
                score=self.score,
                box=self.best_box,
                zones=tuple(self.zones),
            )
        return last


@dataclass(slots=True)
class _Parked:
    """Something that stood so long that its visit ended."""

    class_id: int
    box: Box
    tracks: set[int]


class VisitBook:
    """The visits under way, kept from the tracks of frame after frame.

    A visit begins when its track is confirmed by sure detections. It goes on when the track is lost
    and another of its class comes up within reach before ``absent_s`` have passed, and with a
    second track that covers the same object under another class. It ends by absence, or when the
    object has stood still for ``parked_s``; what stands there begins no other before it moves.
    """

    def __init__(self, options: VisitOptions | None = None) -> None:
        self._options = options or VisitOptions()
        self.stays: list[Stay] = []  # oldest first
        self._parked: list[_Parked] = []
        self._next_id = 1

    def update(self, tracks: Sequence[Track], at_s: float, time_s: float) -> list[SceneEvent]:
        """Take in the tracks of a frame; what began and ended with it.

        The frame came ``at_s`` on the tracks' clock, ``time_s`` in seconds since 1970.
        """
        confirmed = [track for track in tracks if track.confirmed and track.sure]
        known = {number: stay for stay in self.stays for number in stay.tracks}
        for track in confirmed:
            if track.track_id in known:
                _follow(known[track.track_id], track)
        begun: list[Stay] = []
        alive = {track.track_id for track in tracks}
        for track in confirmed:
            if track.track_id not in known and not self._is_parked(track, alive):
                home = self._home_of(track, alive)
                if home is None:
                    home = self._begin(track, time_s - at_s)
                    begun.append(home)
                home.tracks.add(track.track_id)
                _follow(home, track)
        for stay in self.stays:
            stay.tracks &= alive
        for stay in self.stays:
            if stay.seen_at_s == at_s:
                stay.seen_time_s = time_s
        ended = self._end(at_s)
        return [
            *(SceneEvent("visit-began", stay.as_record()) for stay in begun),
            *(SceneEvent("visit-ended", stay.as_record()) for stay in ended),
        ]

    def _begin(self, track: Track, epoch_s: float) -> Stay:
        stay = Stay(
            visit_id=self._next_id,
            class_id=track.class_id,
            label=track.label,
            began_at_s=track.began_at_s,
            seen_at_s=track.seen_at_s,
            began_time_s=epoch_s + track.began_at_s,
            seen_time_s=epoch_s + track.seen_at_s,
            score=track.best.score,
            best_box=track.best.box,
            box=track.box,
            still_box=track.box,
            still_since_s=track.began_at_s,
        )
        self._next_id += 1
        self.stays.append(stay)
        return stay

    def _home_of(self, track: Track, alive: Collection[int]) -> Stay | None:
        """The visit that a new track goes on with."""
        for stay in self.stays:
            if stay.tracks and iou(stay.box, track.box) >= SAME_OBJECT_IOU:
                return stay
        lost = [
            stay
            for stay in self.stays
            if stay.class_id == track.class_id
            and stay.tracks.isdisjoint(alive)
            and _is_within_reach(stay, track)
        ]
        return min(lost, key=lambda stay: _distance(stay.box, track.box), default=None)

    def _is_parked(self, track: Track, alive: Collection[int]) -> bool:
        """Whether a track is of something that stands where it stood; if it left, it is not."""
        for item in self._parked:
            is_its_own = track.track_id in item.tracks
            if is_its_own and iou(item.box, track.box) < SAME_PLACE_IOU:
                self._parked.remove(item)
                return False
            if is_its_own or (
                item.class_id == track.class_id
                and item.tracks.isdisjoint(alive)
                and iou(item.box, track.box) >= SAME_PLACE_IOU
            ):
                item.tracks.add(track.track_id)
                return True
        return False

    def _end(self, at_s: float) -> list[Stay]:
        ended = []
        for stay in self.stays:
            parked_s = self._options.parked_s
            if parked_s and stay.tracks and at_s - stay.still_since_s > parked_s:
                self._parked.append(_Parked(stay.class_id, stay.still_box, set(stay.tracks)))
                ended.append(stay)
            elif at_s - stay.seen_at_s > self._options.absent_s:
                ended.append(stay)
        if ended:
            self.stays = [stay for stay in self.stays if stay not in ended]
            del self._parked[:-MOST_PARKED]
        return ended

    def shift(self, seconds: float) -> None:
        """Move the times of day of the visits under way, as the clock was moved."""
        for stay in self.stays:
            stay.began_time_s += seconds
            stay.seen_time_s += seconds

    def close(self) -> list[SceneEvent]:
        """End all visits: the run is over."""
        ended, self.stays = self.stays, []
        return [SceneEvent("visit-ended", stay.as_record()) for stay in ended]


def _follow(stay: Stay, track: Track) -> None:
    """Take in where a visit's track is now."""
    stay.box = track.box
    if iou(stay.still_box, track.box) < STILL_IOU:
        stay.still_box, stay.still_since_s = track.box, track.seen_at_s
    stay.seen_at_s = max(stay.seen_at_s, track.seen_at_s)
    found = track.detection
    if found is not None and found.score > stay.score:
        stay.score, stay.best_box = found.score, found.box
        stay.class_id, stay.label = track.class_id, track.label


def _is_within_reach(stay: Stay, track: Track) -> bool:
    height, other = stay.height, track.box[3] - track.box[1]
    if min(height, other) < LEAST_HEIGHT_RATIO * max(height, other):
        return False
    away_s = max(0.0, track.began_at_s - stay.seen_at_s)
    reach = (REACH + REACH_PER_S * away_s) * max(height, other)
    return _distance(stay.box, track.box) <= reach


def _distance(one: Box, other: Box) -> float:
    """Pixels between the centres of two boxes."""
    return (
        math.hypot(one[0] + one[2] - other[0] - other[2], one[1] + one[3] - other[1] - other[3]) / 2
    )
