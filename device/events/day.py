"""Days in bars: when visits of each class and in each zone were there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from device.events.records import VisitSpan

SLOT_S = 300.0  # of a bar is one piece
LONGEST_S = 26 * 3600.0  # a day on which clocks are set back has 25 hours
MOST_VISITS = 20_000  # that are counted; a busier day is told to be one
MOST_BARS = 24  # of each kind: those with most visits
MOST_NAMES = 500  # that are told apart meanwhile


@dataclass(slots=True)
class DayBar:
    """Visits of a class, or in a zone: how many there were in each slot of time."""

    name: str
    class_id: int | None  # None of a zone
    slots: list[int]
    visits: int = 0


@dataclass(slots=True)
class DayBars:
    """The bars of a day, those with most visits first."""

    visits: int = 0
    is_all: bool = True  # or the day has more visits than were counted
    classes: list[DayBar] = field(default_factory=list)
    zones: list[DayBar] = field(default_factory=list)


def bars_of(visits: Iterable[VisitSpan], since_s: float, until_s: float) -> DayBars:
    """The bars of ``visits`` between two times, at most ``LONGEST_S`` apart."""
    found = DayBars()
    count = math.ceil((until_s - since_s) / SLOT_S)
    classes: dict[str, DayBar] = {}
    zones: dict[str, DayBar] = {}
    for visit in visits:
        if found.visits == MOST_VISITS:
            found.is_all = False
            break
        found.visits += 1
        first = max(0, int((visit.began_s - since_s) // SLOT_S))
        last = min(count - 1, int((visit.ended_s - since_s) // SLOT_S))
        _add(classes, visit.label, visit.class_id, range(first, last + 1), count)
        for zone in set(visit.zones):
            _add(zones, zone, None, range(first, last + 1), count)
    found.classes, found.zones = _most_visited(classes), _most_visited(zones)
    return found


def _add(
    bars: dict[str, DayBar], name: str, class_id: int | None, there: range, count: int
) -> None:
    bar = bars.get(name)
    if bar is None:
        if len(bars) == MOST_NAMES:
            return
        bar = bars[name] = DayBar(name, class_id, [0] * count)
    bar.visits += 1
    for slot in there:
        bar.slots[slot] += 1


def _most_visited(bars: dict[str, DayBar]) -> list[DayBar]:
    return sorted(bars.values(), key=lambda bar: (-bar.visits, bar.name))[:MOST_BARS]
