"""Zones over time: who is inside, how many came and went, how long they stayed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from device.records import SceneEvent, ZoneState
from device.visits.plan import Zone
from device.visits.polygon import Point, contains
from device.visits.queue import ServiceRate
from device.visits.visit import Stay

LEAVE_AFTER_S = 1.0  # outside without a break: one who stands on the edge does not come and go


@dataclass(slots=True)
class _Inside:
    stay: Stay
    entered_at_s: float
    inside_at_s: float  # the last time


class ZoneWatch:
    """The occupancy of a zone."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self._inside: dict[int, _Inside] = {}  # by visit
        self._entered = self._left = 0
        self._dwell_sum_s = 0.0
        self._rate = ServiceRate() if zone.queue else None
        self._at_s: float | None = None

    def update(
        self, feet: Iterable[tuple[Stay, Point]], picture_height: int, at_s: float
    ) -> list[SceneEvent]:
        """Take in where the feet of the visits under way are; who came, and who left.

        ``feet`` has all visits under way: one that is not among them has ended.
        """
        if self._rate is not None and self._at_s is not None:
            self._rate.advance(at_s - self._at_s, len(self._inside))
        self._at_s = at_s
        events = []
        present = set()
        for stay, foot in feet:
            present.add(stay.visit_id)
            there = self._inside.get(stay.visit_id)
            if not contains(self.zone.points, foot):
                continue
            if there is not None:
                there.inside_at_s = at_s
            elif self.zone.takes(stay.label, stay.score, stay.height / picture_height):
                self._inside[stay.visit_id] = _Inside(stay, at_s, at_s)
                self._entered += 1
                if self.zone.name not in stay.zones:
                    stay.zones.append(self.zone.name)
                events.append(SceneEvent("zone-entered", stay.as_record(), self.zone.name))
        for visit_id, there in list(self._inside.items()):
            if visit_id not in present:
                events.append(self._leave(there, there.stay.seen_at_s))
            elif at_s - there.inside_at_s > LEAVE_AFTER_S:
                events.append(self._leave(there, there.inside_at_s))
        return events

    def _leave(self, there: _Inside, left_at_s: float) -> SceneEvent:
        del self._inside[there.stay.visit_id]
        dwell_s = max(0.0, left_at_s - there.entered_at_s)
        self._left += 1
        self._dwell_sum_s += dwell_s
        if self._rate is not None:
            self._rate.leave(dwell_s)
        return SceneEvent("zone-left", there.stay.as_record(), self.zone.name, dwell_s)

    def count(self, label: str | None = None) -> int:
        """How many are inside, of one class or of all."""
        return sum(label is None or there.stay.label == label for there in self._inside.values())

    @property
    def state(self) -> ZoneState:
        """The counts as they are now."""
        inside = len(self._inside)
        return ZoneState(
            name=self.zone.name,
            inside=inside,
            entered=self._entered,
            left=self._left,
            dwell_s=self._dwell_sum_s / self._left if self._left else None,
            wait_s=None if self._rate is None else self._rate.wait_s(inside),
        )
