"""Lines over time: who went over one, and which way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from device.records import LineState, SceneEvent
from device.visits.plan import CountingLine
from device.visits.polygon import Point, do_cross, side_of
from device.visits.visit import Stay

MARGIN = 0.01  # of the picture: so far beyond the line, and a side is a side


class _Place(NamedTuple):
    is_right: bool
    foot: Point


class LineWatch:
    """The crossings of a line.

    One who stands on it, or walks along it, does not cross: a side counts when the feet are
    clearly on it, and the way from there to the other side has to lead over the line itself.
    """

    def __init__(self, line: CountingLine) -> None:
        self.line = line
        self._length = math.dist(line.start, line.end)
        self._places: dict[int, _Place] = {}  # by visit
        self._ins = self._outs = 0

    def update(self, feet: Iterable[tuple[Stay, Point]]) -> list[SceneEvent]:
        """Take in where the feet of the visits under way are; who went over."""
        events = []
        places = {}
        start, end = self.line.start, self.line.end
        for stay, foot in feet:
            if self.line.classes and stay.label not in self.line.classes:
                continue
            before = self._places.get(stay.visit_id)
            distance = side_of(start, end, foot) / self._length
            if before is not None:
                places[stay.visit_id] = before
            if abs(distance) < MARGIN:
                continue
            now = places[stay.visit_id] = _Place(distance > 0, foot)
            if before is None or before.is_right == now.is_right:
                continue
            if do_cross(start, end, before.foot, foot):
                events.append(self._cross(stay, now.is_right))
        self._places = places
        return events

    def _cross(self, stay: Stay, is_in: bool) -> SceneEvent:
        self._ins += is_in
        self._outs += not is_in
        return SceneEvent("line-in" if is_in else "line-out", stay.as_record(), self.line.name)

    @property
    def state(self) -> LineState:
        """The counts as they are now."""
        return LineState(name=self.line.name, ins=self._ins, outs=self._outs)
