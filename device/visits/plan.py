"""The plan of a scene: its zones, lines, masks and rules, as the settings file has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec.structs import replace

from device.errors import UsageError
from device.schema import Record
from device.suggestions import did_you_mean
from device.visits.polygon import Point, flaw_of, frame_of
from device.visits.rule import Rule, RuleError, parse_rule

Score = Annotated[float, msgspec.Meta(gt=0, le=1)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
MOST = 64  # zones, lines, masks, rules of a plan, each
MOST_POINTS = 100  # of a polygon


class Zone(Record, frozen=True):
    """A part of the floor: who is in it is known by where the feet are."""

    name: Name
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=MOST_POINTS)]
    classes: tuple[str, ...] = ()  # that count; none: all
    threshold: Score | dict[str, Score] = msgspec.field(default_factory=dict)  # least best score
    smallest: Score | dict[str, Score] = msgspec.field(default_factory=dict)  # least height of a
    # box, as a share of the picture's
    queue: bool = False

    def takes(self, label: str, score: float, height: float) -> bool:
        """Whether an object counts; ``height`` as a share of the picture's."""
        if self.classes and label not in self.classes:
            return False
        return score >= _limit(self.threshold, label) and height >= _limit(self.smallest, label)


class CountingLine(Record, frozen=True):
    """A line across a way; over it is in from left to right, seen from its start."""

    name: Name
    start: Point
    end: Point
    classes: tuple[str, ...] = ()


class Mask(Record, frozen=True):
    """A part of the picture that is blacked out before anything looks at it."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=MOST_POINTS)]
    name: str = ""


class _RuleText(Record, frozen=True):
    name: Name
    when: Annotated[str, msgspec.Meta(max_length=200)]


Named = TypeVar("Named", Zone, CountingLine, _RuleText)
Entry = TypeVar("Entry", bound=Record)


def _limit(limits: float | dict[str, float], label: str) -> float:
    return limits.get(label, 0.0) if isinstance(limits, dict) else limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePlan:
    """What a run watches for besides visits."""

    zones: tuple[Zone, ...] = ()
    lines: tuple[CountingLine, ...] = ()
    masks: tuple[Mask, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything that needs visits: a mask alone does not."""
        return bool(self.zones or self.lines or self.rules)


class _EntryError(ValueError):
    """Why an entry of the plan cannot be used."""


def read_plan(
    tables: Mapping[str, Sequence[Any]], labels: Sequence[str] = ()
) -> tuple[ScenePlan, list[str]]:
    """The plan in ``tables`` (``zone``, ``line``, ``mask``, ``rule``), and what is left out of it.

    An entry that cannot be used is left out, and said why in a line: the others are as good as
    before. In place of a mask whose polygon is none, all of the rectangle around it is black.
    ``labels``: the classes that there are, where known. Raises ``UsageError`` for a mask of which
    not even that is known: without it more would be shown than is meant to be.
    """
    reader = _Reader(labels)
    zones = reader.read("zone", tables.get("zone", ()), Zone, _check_zone)
    lines = reader.read("line", tables.get("line", ()), CountingLine, _check_line)
    texts = reader.read("rule", tables.get("rule", ()), _RuleText, lambda _: None)
    masks = reader.masks(tables.get("mask", ()))
    plan = ScenePlan(
        zones=tuple(zones),
        lines=tuple(lines),
        masks=tuple(masks),
        rules=tuple(reader.rules(texts, {zone.name: zone for zone in zones})),
    )
    return plan, reader.left_out


class _Reader:
    """A reader of entries, whose names are all different."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._names: dict[str, str] = {}
        self.left_out: list[str] = []

    def read(
        self,
        kind: str,
        tables: Sequence[Any],
        type_: type[Named],
        check: Callable[[Named], None],
    ) -> list[Named]:
        """The entries of one kind that can be used."""
        entries = []
        for number, table in enumerate(tables, 1):
            called = table.get("name") if isinstance(table, dict) else None
            where = f"{kind} {number}" + (f" ({called!r})" if isinstance(called, str) else "")
            try:
                if number > MOST:
                    raise _EntryError(f"there are more than {MOST}")
                entry = _convert(table, type_)
                self._check_name(entry.name, f"{kind} {number}")
                check(entry)
                if isinstance(entry, Zone | CountingLine):
                    self._check_classes(entry.classes)
                entries.append(entry)
            except _EntryError as exc:
                self.left_out.append(f"{where} is left out: {exc}")
        return entries

    def _check_name(self, name: str, where: str) -> None:
        if ":" in name or not name.strip() or not name.isprintable():
            raise _EntryError("a name without a colon, and with something to read, is expected")
        if (other := self._names.get(name.casefold())) is not None:
            raise _EntryError(f"{other} has this name too: give each a name of its own")
        self._names[name.casefold()] = where

    def _check_classes(self, classes: Sequence[str]) -> None:
        for label in classes:
            if self._labels and label not in self._labels:
                raise _EntryError(f"no class {label!r}{did_you_mean(label, self._labels)}")

    def masks(self, tables: Sequence[Any]) -> list[Mask]:
        """All masks, each at least as large as it is meant to be."""
        masks = []
        for number, table in enumerate(tables, 1):
            try:
                mask = _convert(table, Mask)
                if flaw := flaw_of(mask.points):
                    mask = replace(mask, points=_frame_of(mask.points, flaw))
                    self.left_out.append(
                        f"mask {number}: {flaw}; all of the rectangle around it is black instead"
                    )
                masks.append(mask)
            except _EntryError as exc:
                raise UsageError(
                    f"mask {number}: {exc}; without it more would be shown than is meant to be"
                ) from None
        return masks

    def rules(self, texts: Sequence[_RuleText], zones: Mapping[str, Zone]) -> list[Rule]:
        """The rules that can be understood, of zones that there are."""
        rules = []
        for text in texts:
            try:
                rule = parse_rule(text.name, text.when)
                if rule.place not in zones:
                    raise RuleError(f"no zone {rule.place!r}{did_you_mean(rule.place, zones)}")
                if rule.label and self._labels and rule.label not in self._labels:
                    raise RuleError(
                        f"no class {rule.label!r}{did_you_mean(rule.label, self._labels)}"
                    )
                if rule.is_of_wait and not zones[rule.place].queue:
                    raise RuleError(f"zone {rule.place!r} is no queue: add queue = true to it")
                rules.append(rule)
            except RuleError as exc:
                self.left_out.append(f"rule {text.name!r} is left out: when = {text.when!r}: {exc}")
        return rules


def _check_zone(zone: Zone) -> None:
    if flaw := flaw_of(zone.points):
        raise _EntryError(flaw)


def _frame_of(points: Sequence[Point], flaw: str) -> tuple[Point, ...]:
    is_known = points and not any(math.isnan(side) for point in points for side in point)
    frame = frame_of(points) if is_known else ()
    if flaw_of(frame):
        raise _EntryError(flaw)
    return frame


def _check_line(line: CountingLine) -> None:
    for name, (x, y) in (("start", line.start), ("end", line.end)):
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise _EntryError(f"{name} ({x:g}, {y:g}) is not in the picture: 0 to 1 is expected")
    if line.start == line.end:
        raise _EntryError("its start is its end")


def _convert(table: Any, type_: type[Entry]) -> Entry:
    try:
        return msgspec.convert(table, type_)
    except msgspec.ValidationError as exc:
        message = str(exc)[:1].lower() + str(exc)[1:]
        raise _EntryError(message.replace(" - at `$.", ", at `")) from None
